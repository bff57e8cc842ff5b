package sweep

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// marked looks at the blobs that were found damaged before: they are not
// served, even if they are as they should be by now.
func (c *checker) marked(ctx context.Context) error {
	return meta.Each(ctx, c.Meta,
		func(tx meta.Tx, after blob.Key) ([]meta.RottenBlob, error) {
			return tx.RottenBlobs(after, meta.PageRows)
		},
		func(r meta.RottenBlob) blob.Key { return r.Key },
		func(r meta.RottenBlob) error {
			good, seen := c.good[r.Key]
			if !good {
				return nil // told of already, or nothing refers to it
			}
			if seen {
				c.broken("blob %s was found %s on %s, and is as it should be now: the server serves it again within an hour",
					r.Key, r.Damage, r.FoundAt.Format("2006-01-02"))
				c.report.bad[r.Key] = "was found " + string(r.Damage) + " before"
			}
			return nil
		})
}

// Losses are the versions of files that damaged blobs, given with what is wrong
// with them, take bytes from.
func Losses(ctx context.Context, rows meta.Store, bad map[blob.Key]string) (list []Lost, err error) {
	for _, key := range slices.Sorted(maps.Keys(bad)) {
		err := meta.Each(ctx, rows,
			func(tx meta.Tx, after content.ID) ([]meta.Version, error) {
				return tx.VersionsOn(key, after, meta.PageRows)
			},
			func(v meta.Version) content.ID { return v.ID },
			func(v meta.Version) error {
				return rows.View(ctx, func(tx meta.Tx) error {
					l, err := where(tx, v)
					if content.Is(err, content.NotFound) {
						return nil // deleted since
					}
					l.Blob, l.Damage = key, bad[key]
					list = append(list, l)
					return err
				})
			})
		if err != nil {
			return list, err
		}
	}
	return list, nil
}

// where says of a version which file it is of, and where that is.
func where(tx meta.Tx, v meta.Version) (Lost, error) {
	l := Lost{File: v.File, Version: v.ID, Number: v.Number}
	file, err := tx.Item(v.File)
	if err != nil {
		return l, err
	}
	above, err := tx.Ancestors(v.File)
	if err != nil {
		return l, err
	}
	names := make([]string, 0, len(above)+1)
	for _, f := range append(above, file) {
		l.Trashed = l.Trashed || !f.TrashedAt.IsZero()
		if f.Parent == 0 && f.Kind == meta.Folder {
			continue // a root's name is nobody's choice
		}
		names = append(names, f.Name)
	}
	l.Path, l.Current = "/"+strings.Join(names, "/"), file.Current.ID == v.ID
	return l, nil
}

// String is for people.
func (l Lost) String() string {
	what := "past"
	if l.Current {
		what = "current"
	}
	place := ""
	if l.Trashed {
		place = ", in the trash"
	}
	return fmt.Sprintf("file %s %s%s, version %s (number %d, %s): blob %s: %s", l.File, l.Path, place, l.Version, l.Number, what, l.Blob, l.Damage)
}
