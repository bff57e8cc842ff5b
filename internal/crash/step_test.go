package crash_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha512"
	"fmt"
	"path"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
)

// step is one request of a client.
type step struct {
	what  string
	do    func(ctx context.Context, h *house) error
	apply func(m *model) // what it does, all at one moment
	// about is the session that it is about, ends says that it ends it, and
	// slots are what it may store of it.
	about *session
	ends  bool
	slots []int64
	// done are the errors of doing again what has been done. once says that doing
	// it again would do it twice.
	done []content.Kind
	once bool
}

// visible says whether what is there tells if it has happened.
func (st *step) visible() bool { return st.about == nil || st.ends }

var ctx = context.Background()

// find is the item at a path: what its client has got to know.
func (h *house) find(at string) (row meta.Item, err error) {
	err = h.rows.View(ctx, func(tx meta.Tx) error {
		row, err = findIn(tx, h.who, at)
		return err
	})
	return row, err
}

func findIn(tx meta.Tx, who content.Principal, at string) (row meta.Item, err error) {
	if at[0] == '~' {
		list, err := tx.Trashed(who.User, meta.ItemPage{Limit: 1000})
		if err != nil {
			return row, err
		}
		for _, i := range list {
			if i.Name == at[1:] {
				return i, nil
			}
		}
		return row, content.Errorf(content.NotFound, "%s is not in the trash", at)
	}
	parent := who.Root
	if dir := path.Dir(at); dir != "." {
		if row, err = findIn(tx, who, dir); err != nil {
			return row, err
		}
		parent = row.ID
	}
	return tx.ItemNamed(parent, content.NameKey(path.Base(at)))
}

// folder is the id of the folder that a path is in.
func (h *house) folder(at string) (content.ID, error) {
	if path.Dir(at) == "." {
		return h.who.Root, nil
	}
	row, err := h.find(path.Dir(at))
	return row.ID, err
}

func mkdir(at string) step {
	return step{
		what: "make folder " + at, done: []content.Kind{content.NameTaken},
		do: func(ctx context.Context, h *house) error {
			in, err := h.folder(at)
			if err != nil {
				return err
			}
			_, err = h.tree.CreateFolder(ctx, h.who, in, path.Base(at), tree.FolderChange{})
			return err
		},
		apply: func(m *model) { m.items[at] = "dir" },
	}
}

// simple uploads a file, or a version of the one that is there.
func simple(at string, data []byte, version bool) step {
	st := step{
		what: fmt.Sprintf("upload %s as %s", labelOf(data), at), once: version,
		apply: func(m *model) { m.add(at, data) },
	}
	if !version {
		st.done = []content.Kind{content.NameTaken}
	}
	st.do = func(ctx context.Context, h *house) error {
		t := tree.Target{Name: path.Base(at), Size: -1}
		var err error
		if version {
			row, ferr := h.find(at)
			t.File, err = row.ID, ferr
		} else {
			t.Folder, err = h.folder(at)
		}
		if err != nil {
			return err
		}
		_, err = h.upload.Simple(ctx, h.who, t, content.Preconditions{}, content.Attributes{}, nil, bytes.NewReader(data))
		return err
	}
	return st
}

func create(s *session) step {
	return step{
		what: "create session for " + s.path,
		do: func(ctx context.Context, h *house) error {
			req := upload.Request{Size: int64(len(s.data))}
			if s.version {
				row, err := h.find(s.path)
				if err != nil {
					return err
				}
				req.File = row.ID
			} else {
				in, err := h.folder(s.path)
				if err != nil {
					return err
				}
				folder, name := in.String(), path.Base(s.path)
				req.Folder, req.Name = &folder, &name
			}
			ses, err := h.upload.Create(ctx, h.who, req)
			if err == nil {
				s.Session = ses
			}
			return err
		},
		apply: func(m *model) { m.fates[s] = open },
	}
}

func part(s *session, slot int64) step {
	return step{
		what: fmt.Sprintf("part %d of %s", slot, s.path), about: s, slots: []int64{slot},
		do: func(ctx context.Context, h *house) error {
			span := s.Grid.Slot(slot)
			body := s.data[span.Start:span.End]
			sent := upload.Sent{Span: span, Total: int64(len(s.data)), SHA1: sha1.Sum(body), Length: span.Len()}
			got, err := h.upload.PutPart(ctx, h.who, s.ID, sent, bytes.NewReader(body))
			if err == nil && (got.Span != span || got.SHA1 != sent.SHA1) {
				return fmt.Errorf("the answer is of %v with %v", got.Span, got.SHA1)
			}
			return err
		},
		apply: func(m *model) { m.stored(s, slot) },
	}
}

// spoiled is a part whose bytes are not what its digest says.
func spoiled(s *session, slot int64) step {
	return step{
		what: fmt.Sprintf("spoiled part %d of %s", slot, s.path),
		do: func(ctx context.Context, h *house) error {
			span := s.Grid.Slot(slot)
			body := bytes.Clone(s.data[span.Start:span.End])
			sum := sha1.Sum(body)
			body[0]++
			_, err := h.upload.PutPart(ctx, h.who, s.ID, upload.Sent{Span: span, Total: int64(len(s.data)), SHA1: sum, Length: span.Len()}, bytes.NewReader(body))
			if content.Is(err, content.DigestMismatch) {
				return nil
			}
			return fmt.Errorf("a spoiled part is answered with %v", err)
		},
		apply: func(*model) {},
	}
}

// plan offers all parts.
func plan(s *session) step {
	var hits []int64
	st := step{what: "plan of " + s.path, about: s, slots: []int64{0, 1, 2, 3}}
	st.do = func(ctx context.Context, h *house) error {
		var offers []upload.Offer
		for slot := range s.Grid.Parts() {
			span := s.Grid.Slot(slot)
			offers = append(offers, upload.Offer{Span: span, SHA512: sha512.Sum512(s.data[span.Start:span.End])})
		}
		planned, err := h.upload.Plan(ctx, h.who, s.ID, offers)
		hits = nil
		for _, p := range planned {
			if p.Hit {
				hits = append(hits, p.Span.Start/s.Grid.PartSize)
			}
		}
		return err
	}
	st.apply = func(m *model) { m.stored(s, hits...) }
	return st
}

func commit(s *session) step {
	return step{
		what: "commit of " + s.path, about: s, ends: true,
		do: func(ctx context.Context, h *house) error {
			_, parts, err := h.upload.Parts(ctx, h.who, s.ID, 0, 1000)
			if err != nil {
				return err
			}
			c := upload.Commit{SHA1: sha1.Sum(s.data)}
			for _, p := range parts {
				c.Parts = append(c.Parts, upload.Listed{ID: p.ID, Offset: p.Span.Start, Size: p.Span.Len(), Quote: p.SHA1.String})
			}
			file, err := h.upload.Commit(ctx, h.who, s.ID, c)
			if err == nil && (file.Version.SHA1 != c.SHA1 || file.Version.Size != int64(len(s.data))) {
				return fmt.Errorf("the answer is version %s of %d bytes with %v", file.Version.ID, file.Version.Size, file.Version.SHA1)
			}
			return err
		},
		apply: func(m *model) {
			if m.fates[s] != committed { // two clients may have asked for it
				m.add(s.path, s.data)
				m.fates[s] = committed
			}
		},
	}
}

func abort(s *session) step {
	return step{
		what: "abort of " + s.path, about: s, ends: true, done: []content.Kind{content.NotFound},
		do:    func(ctx context.Context, h *house) error { return h.upload.Abort(ctx, h.who, s.ID) },
		apply: func(m *model) { m.fates[s] = aborted },
	}
}

// onItem is a step about an item that is there.
func onItem(what, at string, do func(ctx context.Context, h *house, row meta.Item) error, apply func(m *model), done ...content.Kind) step {
	return step{
		what: what + " " + at, done: append(done, content.NotFound),
		do: func(ctx context.Context, h *house) error {
			row, err := h.find(at)
			if err != nil {
				return err
			}
			return do(ctx, h, row)
		},
		apply: apply,
	}
}

func trash(at string) step {
	return onItem("trash", at, func(ctx context.Context, h *house, row meta.Item) error {
		if row.Kind == meta.Folder {
			return h.tree.TrashFolder(ctx, h.who, row.ID, true, content.Preconditions{})
		}
		return h.tree.TrashItem(ctx, h.who, tree.File, row.ID, content.Preconditions{})
	}, func(m *model) { m.trash(at) })
}

func restore(at string) step {
	return onItem("restore", at, func(ctx context.Context, h *house, row meta.Item) error {
		_, err := h.tree.Restore(ctx, h.who, row.Kind, row.ID, nil, nil)
		return err
	}, func(m *model) { m.restore(at) })
}

func purge(at string) step {
	return onItem("purge", at, func(ctx context.Context, h *house, row meta.Item) error {
		return h.tree.Purge(ctx, h.who, row.Kind, row.ID)
	}, func(m *model) { m.purge(at) })
}

func move(at, to string) step {
	return onItem("move to "+to, at, func(ctx context.Context, h *house, row meta.Item) error {
		in, err := h.folder(to)
		if err != nil {
			return err
		}
		name := path.Base(to)
		_, err = h.tree.Update(ctx, h.who, row.Kind, row.ID, tree.Change{Name: &name, Parent: &in}, content.Preconditions{})
		return err
	}, func(m *model) { m.rename(at, to) })
}

func duplicate(at, to string) step {
	return onItem("copy to "+to, at, func(ctx context.Context, h *house, row meta.Item) error {
		in, err := h.folder(to)
		if err != nil {
			return err
		}
		name := path.Base(to)
		if row.Kind == meta.Folder {
			_, err = h.tree.CopyFolder(ctx, h.who, row.ID, in, &name)
		} else {
			_, err = h.tree.CopyFile(ctx, h.who, row.ID, 0, in, &name)
		}
		return err
	}, func(m *model) { m.copy(at, to) }, content.NameTaken)
}
