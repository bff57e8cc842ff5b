package content

import (
	"encoding/hex"
	"strconv"
)

// ID names a user, enterprise, folder, file or version. Ids are positive and
// grow with time; 0 is no id, and as a folder means the caller's root.
type ID int64

// String is the decimal form used on the wire and in logs.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// ParseID reads a decimal id: digits only, at most 63 bits. "0" is allowed.
func ParseID(s string) (ID, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, Errorf(NotFound, "%.40q is not an id: ids are decimal digits", s)
	}
	return ID(n), nil
}

// SHA1 is a SHA-1 digest. Where a digest may be unknown it is a pointer: a
// client may well claim twenty zero bytes.
type SHA1 [20]byte

// String is lower-case hex, as in file and part objects.
func (s SHA1) String() string { return hex.EncodeToString(s[:]) }

// SHA512 is a SHA-512 digest. In rows the zero value stands for one not
// computed yet; what a client claims is never compared with that.
type SHA512 [64]byte

// String is lower-case hex.
func (s SHA512) String() string { return hex.EncodeToString(s[:]) }

// EmptySHA1 is the SHA-1 of no bytes at all.
var EmptySHA1 = SHA1{0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
	0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09}
