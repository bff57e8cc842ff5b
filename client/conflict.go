package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"boxcar/boxapi"
)

func hexSum(sum [20]byte) string { return hex.EncodeToString(sum[:]) }

// maxNames is how many names KeepBoth tries.
const maxNames = 100

// decide changes the target as the policy wants when its name is in use, or
// returns refused.
func (j *job) decide(ctx context.Context, refused *Error) error {
	switch {
	case j.u.OnConflict == NewVersion && j.to.fileID == "":
		item, err := j.occupant(ctx, refused)
		if err != nil {
			return errors.Join(refused, err)
		}
		file, ok := item.(*boxapi.File)
		if !ok {
			return refused // a folder, or one who is gone again
		}
		j.to.fileID = string(file.ID)
		_, err = j.look(ctx)
		return err
	case j.u.OnConflict == KeepBoth && j.u.Name != "" && j.names < maxNames:
		j.names++
		j.to.name = otherName(j.u.Name, j.names)
		return nil
	default:
		return refused
	}
}

// occupant is the item that has the target's name: the one the server named, or
// else the one that the folder lists. nil if there is none.
func (j *job) occupant(ctx context.Context, refused *Error) (boxapi.Item, error) {
	if item := refused.Conflict(); item != nil {
		return item, nil
	}
	return j.c.child(ctx, j.to.folderID, j.to.name)
}

// otherName is the n-th name beside name, "survey (1).laz"; from the 20th on a random one,
// so that a folder of many copies is not asked about each.
func otherName(name string, n int) string {
	const longest = 255 // characters
	mark := " (" + strconv.Itoa(n) + ")"
	if n >= 20 {
		mark = " (" + strings.ToLower(rand.Text()[:10]) + ")"
	}
	ending := path.Ext(name)
	if ending == name || utf8.RuneCountInString(ending) > 20 {
		ending = ""
	}
	stem := []rune(strings.TrimSuffix(name, ending))
	if over := len(stem) + len(mark) + utf8.RuneCountInString(ending) - longest; over > 0 {
		stem = stem[:max(0, len(stem)-over)]
	}
	return string(stem) + mark + ending
}
