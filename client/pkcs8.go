package client

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
)

// parsePrivateKey reads an RSA key in PEM: PKCS#8, encrypted by PBES2 (RFC 8018)
// or not, or PKCS#1.
func parsePrivateKey(text []byte, passphrase string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is not in PEM")
	}
	der := block.Bytes
	switch block.Type {
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("it is encrypted in PEM's own way, which is not safe: convert it with openssl pkcs8 -topk8 -v2 aes256")
		}
		return x509.ParsePKCS1PrivateKey(der)
	case "ENCRYPTED PRIVATE KEY":
		var err error
		if der, err = decryptPKCS8(der, passphrase); err != nil {
			return nil, err
		}
	case "PRIVATE KEY":
	default:
		return nil, fmt.Errorf("it is a PEM block of type %q, and no private key", block.Type)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, errWrongPassphrase
		}
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T, and no RSA key", parsed)
	}
	return key, nil
}

var errWrongPassphrase = errors.New("the passphrase is wrong, or the key is damaged")

// What PBES2 is made of. The tags are those of RFC 8018, A.2 to A.4.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		KDF, Cipher pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	prfs = map[string]func() hash.Hash{
		"":                    sha1.New, // what an absent one means
		"1.2.840.113549.2.7":  sha1.New,
		"1.2.840.113549.2.8":  sha256.New224,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.10": sha512.New384,
		"1.2.840.113549.2.11": sha512.New,
		"1.2.840.113549.2.13": sha512.New512_256,
		"1.2.840.113549.2.12": sha512.New512_224,
	}
	ciphers = map[string]struct {
		key int // bytes
		new func(key []byte) (cipher.Block, error)
	}{
		"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
		"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
		"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	}
)

// maxIterations is far above what keys are made with, and bounds what a bad file
// can cost: some seconds.
const maxIterations = 10_000_000

func decryptPKCS8(der []byte, passphrase string) ([]byte, error) {
	var outer encryptedKey
	var params pbes2Params
	var kdf pbkdf2Params
	if err := unmarshalAll(der, &outer); err != nil {
		return nil, err
	}
	if !outer.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, fmt.Errorf("it is encrypted by %v, and only PBES2 is supported: convert it with openssl pkcs8 -topk8 -v2 aes256", outer.Algorithm.Algorithm)
	}
	if err := unmarshalAll(outer.Algorithm.Parameters.FullBytes, &params); err != nil {
		return nil, err
	}
	if !params.KDF.Algorithm.Equal(oidPBKDF2) {
		return nil, fmt.Errorf("its key derivation is %v, and only PBKDF2 is supported", params.KDF.Algorithm)
	}
	if err := unmarshalAll(params.KDF.Parameters.FullBytes, &kdf); err != nil {
		return nil, err
	}
	prf, ok := prfs[kdf.PRF.Algorithm.String()]
	if !ok {
		return nil, fmt.Errorf("its PBKDF2 uses %v, which is not supported", kdf.PRF.Algorithm)
	}
	how, ok := ciphers[params.Cipher.Algorithm.String()]
	if !ok {
		return nil, fmt.Errorf("its cipher is %v, and only AES-CBC and 3DES-CBC are supported", params.Cipher.Algorithm)
	}
	if kdf.Iterations < 1 || kdf.Iterations > maxIterations {
		return nil, fmt.Errorf("its PBKDF2 wants %d iterations, and 1 to %d are supported", kdf.Iterations, maxIterations)
	}
	if kdf.KeyLength != 0 && kdf.KeyLength != how.key {
		return nil, fmt.Errorf("its key has %d bytes, and its cipher needs %d", kdf.KeyLength, how.key)
	}
	var iv []byte
	if err := unmarshalAll(params.Cipher.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(prf, passphrase, kdf.Salt, kdf.Iterations, how.key)
	if err != nil {
		return nil, err
	}
	block, err := how.new(key)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(outer.Data) == 0 || len(outer.Data)%size != 0 {
		return nil, errors.New("it is cut off: its blocks are not whole")
	}
	plain := bytes.Clone(outer.Data)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, plain)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > size || !bytes.Equal(plain[len(plain)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, errWrongPassphrase
	}
	return plain[:len(plain)-pad], nil
}

// unmarshalAll is asn1.Unmarshal without anything behind.
func unmarshalAll(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err != nil {
		return fmt.Errorf("it is not as PKCS#8 has it: %w", err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("it has %d bytes too many", len(rest))
	}
	return nil
}
