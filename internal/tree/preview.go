package tree

import (
	"context"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// ContentsFor is Contents for a caller who means to do something else with a
// file than download it, and may: see a preview of it.
func (s *Service) ContentsFor(ctx context.Context, who content.Principal, do content.Action, id, version content.ID) (file *content.File, v content.Version, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		if file, err = s.liveFile(tx, who, id); err != nil {
			return err
		}
		if err := content.Allow(who, do, file); err != nil {
			return err
		}
		v = file.Version
		if version == 0 || version == v.ID {
			return nil
		}
		row, err := tx.Version(version)
		if content.Is(err, content.NotFound) || err == nil && row.File != id {
			return content.Errorf(content.NotFound, "file %s has no version %s", id, version)
		}
		if err != nil {
			return err
		}
		a := assembler{tx: tx}
		v, err = a.version(row)
		return err
	})
	return file, v, err
}
