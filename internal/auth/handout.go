package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// HandoutLife is how long a handout waits for whoever is to have it.
const HandoutLife = 15 * time.Minute

// HandOut keeps a text for whoever comes with the token that it returns, once and within
// HandoutLife. The text is kept encrypted, by a key that only the token has.
func (s *Service) HandOut(ctx context.Context, text []byte) (token string, err error) {
	token = s.text(16)
	seal, err := handoutCipher(token)
	if err != nil {
		return "", err
	}
	now := s.Now()
	// The key is used for one text only, so the nonce may always be the same.
	sealed := seal.Seal(nil, make([]byte, seal.NonceSize()), text, nil)
	return token, s.Meta.Update(ctx, func(tx meta.Tx) error {
		admin, err := administrator(tx)
		if err != nil {
			return err
		}
		return tx.InsertToken(meta.Token{
			Hash: hash(token), Kind: meta.Handout, User: admin, Detail: base64.StdEncoding.EncodeToString(sealed),
			CreatedAt: now, ExpiresAt: now.Add(HandoutLife),
		})
	})
}

// Handout is the text of a token that nobody has come with yet. Any other token is a
// content.NotFound error.
func (s *Service) Handout(ctx context.Context, token string) (text []byte, err error) {
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		gone := content.Errorf(content.NotFound, "there is nothing to be had here, or not any more")
		t, err := tx.Token(hash(token))
		if content.Is(err, content.NotFound) || err == nil && (t.Kind != meta.Handout || !s.Now().Before(t.ExpiresAt)) {
			return gone
		}
		if err != nil {
			return err
		}
		if t, err = tx.TakeToken(t.Hash); err != nil {
			return err
		}
		sealed, err := base64.StdEncoding.DecodeString(t.Detail)
		if err != nil {
			return err
		}
		seal, err := handoutCipher(token)
		if err != nil {
			return err
		}
		text, err = seal.Open(nil, make([]byte, seal.NonceSize()), sealed, nil)
		return err
	})
	return text, err
}

func handoutCipher(token string) (cipher.AEAD, error) {
	key := sha256.Sum256([]byte("handout\x00" + token)) // the row has another hash
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
