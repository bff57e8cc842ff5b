package boxapi

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// ParseDigest reads a Digest header (RFC 3230) and returns its SHA-1. The
// algorithm is "sha" in any case; in a list, "md5=...,sha=...", the others are
// passed over. The value is padded base64, or 40 hex digits as one client
// sends them. Two different SHA-1s in one header are an error.
//
// The registry of digest algorithms knows SHA-1 as "sha" only, so "sha-1" is
// not one.
func ParseDigest(header string) ([20]byte, error) {
	var sum [20]byte
	found := false
	for item := range strings.SplitSeq(header, ",") {
		// Only the first "=" divides: the rest are base64 padding.
		name, value, _ := strings.Cut(item, "=")
		if !strings.EqualFold(strings.Trim(name, spaces), "sha") {
			continue
		}
		value = strings.Trim(value, spaces)
		one, err := parseSHA1(value)
		if err != nil {
			return [20]byte{}, fmt.Errorf("the Digest header must be \"sha=\" and the base64 of a SHA-1, not %s", quoted(header))
		}
		if found && one != sum {
			return [20]byte{}, fmt.Errorf("the Digest header has two different SHA-1s: %s", quoted(header))
		}
		sum, found = one, true
	}
	if !found {
		return [20]byte{}, fmt.Errorf("the Digest header must have a SHA-1, as \"sha=BASE64\", not %s", quoted(header))
	}
	return sum, nil
}

func parseSHA1(s string) (sum [20]byte, err error) {
	if len(s) == hex.EncodedLen(len(sum)) {
		return ParseHexSHA1(s)
	}
	// The length is checked first: the decoder skips line ends.
	if len(s) != base64.StdEncoding.EncodedLen(len(sum)) {
		return sum, errors.New("not a SHA-1")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(sum) {
		return sum, errors.New("not a SHA-1")
	}
	return [20]byte(b), nil
}

// FormatDigest writes a Digest header, "sha=" and padded base64.
func FormatDigest(sum [20]byte) string {
	return "sha=" + base64.StdEncoding.EncodeToString(sum[:])
}

// ParseHexSHA1 reads 40 hex digits of any case. It serves the Content-MD5
// header of a simple upload, which holds a SHA-1 despite its name, and the sha1
// of a part.
func ParseHexSHA1(s string) (sum [20]byte, err error) {
	return sum, parseHex(sum[:], s, "SHA-1")
}

// ParseSHA512 reads 128 hex digits of any case.
func ParseSHA512(s string) (sum [64]byte, err error) {
	return sum, parseHex(sum[:], s, "SHA-512")
}

// parseHex fills sum, or leaves it zero.
func parseHex(sum []byte, s, what string) error {
	s = strings.Trim(s, spaces)
	if len(s) == hex.EncodedLen(len(sum)) {
		if _, err := hex.Decode(sum, []byte(s)); err == nil {
			return nil
		}
		clear(sum)
	}
	return fmt.Errorf("a %s is %d hex digits, not %s", what, hex.EncodedLen(len(sum)), quoted(s))
}
