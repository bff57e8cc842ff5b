package sqlmeta

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
)

// A time is kept as microseconds since 1970, and the zero time as 0. The start
// of 1970 itself, which a client may well claim for a file, takes the number
// that would have been the zero time's.
var epoch = time.Time{}.UnixMicro()

func micros(t time.Time) int64 {
	switch n := t.UnixMicro(); n {
	case epoch:
		return 0
	case 0:
		return epoch
	default:
		return n
	}
}

type instant struct{ t *time.Time }

func (v instant) Scan(src any) error {
	n, ok := src.(int64)
	switch {
	case !ok:
		return fmt.Errorf("a time is stored as %T", src)
	case n == 0:
		n = epoch
	case n == epoch:
		n = 0
	}
	*v.t = time.UnixMicro(n).UTC()
	return nil
}

// orNull is NULL for no id.
func orNull[T ~int64](id T) any {
	if id == 0 {
		return nil
	}
	return int64(id)
}

// digest is NULL for a digest that is not known.
func digest(sum []byte) any {
	for _, b := range sum {
		if b != 0 {
			return sum
		}
	}
	return nil
}

// fixed takes as many bytes as it has; NULL leaves them.
type fixed []byte

func (v fixed) Scan(src any) error {
	if src == nil {
		return nil
	}
	b, ok := src.([]byte)
	if !ok || len(b) != len(v) {
		return fmt.Errorf("%d bytes are stored as %T of %d", len(v), src, len(b))
	}
	copy(v, b)
	return nil
}

// A state is its length in bytes and its five words, all big-endian; NULL if
// it is not known.
func state(s content.SHA1State) any {
	if !s.Known() {
		return nil
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(s.N)), s.Chain[:]...)
}

type hashState struct{ s *content.SHA1State }

func (v hashState) Scan(src any) error {
	if src == nil {
		return nil
	}
	var b [8 + len(v.s.Chain)]byte
	if err := fixed(b[:]).Scan(src); err != nil {
		return err
	}
	v.s.N = int64(binary.BigEndian.Uint64(b[:8]))
	copy(v.s.Chain[:], b[8:])
	return nil
}

// blobKey is a key as 16 bytes; no key at all is before all others.
func blobKey(k blob.Key) ([]byte, error) {
	if k == "" {
		return []byte{}, nil
	}
	if !k.Valid() {
		return nil, fmt.Errorf("%q is not a blob key", string(k))
	}
	return hex.DecodeString(string(k))
}

// validKey is a key as 16 bytes, which no key at all is not.
func validKey(k blob.Key) ([]byte, error) {
	if k == "" {
		return nil, errors.New("there is no blob key")
	}
	return blobKey(k)
}

type hexKey struct{ k *blob.Key }

func (v hexKey) Scan(src any) error {
	var b [16]byte
	if err := fixed(b[:]).Scan(src); err != nil {
		return err
	}
	*v.k = blob.NewKey(b)
	return nil
}

// sessionKey is a session id as 16 bytes; no id at all is before all others.
func sessionKey(id content.SessionID) ([]byte, error) {
	if id == "" {
		return []byte{}, nil
	}
	id, err := content.ParseSessionID(string(id))
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(string(id))
}

type hexSession struct{ id *content.SessionID }

func (v hexSession) Scan(src any) error {
	var b [16]byte
	if err := fixed(b[:]).Scan(src); err != nil {
		return err
	}
	*v.id = content.SessionID(strings.ToUpper(hex.EncodeToString(b[:])))
	return nil
}

// flag is a bool as a column.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// toJSON is a value in a column of JSON.
func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

type fromJSON struct{ v any }

func (v fromJSON) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("JSON is stored as %T", src)
	}
	return json.Unmarshal([]byte(text), v.v)
}
