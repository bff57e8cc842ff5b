package tree

import (
	"slices"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// assembler makes nouns of rows in one transaction, and asks for each user once.
type assembler struct {
	tx     meta.Tx
	now    time.Time
	people map[content.ID]content.User
	ways   map[content.ID]way // by the folder that they end in
	known  map[content.ID]meta.Item
}

// way is the folders above an item, and how they are.
type way struct {
	path   []content.Folder
	status content.Status
}

func (s *Service) assembler(tx meta.Tx) *assembler { return &assembler{tx: tx, now: s.Now()} }

func (a *assembler) user(id content.ID) (content.User, error) {
	if u, ok := a.people[id]; ok {
		return u, nil
	}
	u, err := a.tx.User(id)
	if err != nil {
		return u, err
	}
	if a.people == nil {
		a.people = map[content.ID]content.User{}
	}
	a.people[id] = u
	return u, nil
}

func (a *assembler) person(id content.ID) (content.Person, error) {
	u, err := a.user(id)
	return u.Person, err
}

// maybe is person where there may be none, by the id 0.
func (a *assembler) maybe(id content.ID) (*content.Person, error) {
	if id == 0 {
		return nil, nil
	}
	p, err := a.person(id)
	return &p, err
}

// inLimbo is the status of what nobody can see. It never leaves this package.
const inLimbo content.Status = "limbo"

// above makes the folders over an item out of rows, the root first, and says
// whether the trash, or limbo, holds any of them.
func (a *assembler) above(id content.ID) ([]content.Folder, content.Status, error) {
	rows, err := a.ancestors(id)
	if err != nil {
		return nil, "", err
	}
	return a.way(rows)
}

// way is above, of rows that are there.
func (a *assembler) way(rows []meta.Item) ([]content.Folder, content.Status, error) {
	path, status := make([]content.Folder, 0, len(rows)), content.Active
	for _, row := range rows {
		switch {
		case row.Limbo != meta.NoLimbo:
			status = inLimbo
		case !row.TrashedAt.IsZero():
			status = content.InTrash // by itself, even where the folders above are on their way out
		}
		n, err := a.node(row, path, status)
		if err != nil {
			return nil, "", err
		}
		path = append(path, folder(row, n))
	}
	return path, status, nil
}

// ancestors are the rows of the folders over an item, asked for unless all are known.
func (a *assembler) ancestors(id content.ID) (rows []meta.Item, err error) {
	for at, ok := a.known[id]; ok; at, ok = a.known[at.Parent] {
		if at.ID != id {
			rows = append(rows, at)
		}
		if at.Parent == 0 {
			slices.Reverse(rows)
			return rows, nil
		}
	}
	return a.tx.Ancestors(id)
}

// node fills in what all items have. path is what stands above the item, and
// status how it is there.
func (a *assembler) node(row meta.Item, path []content.Folder, status content.Status) (n content.Node, err error) {
	n = content.Node{
		ID: row.ID, Name: row.Name, Sequence: row.Sequence, Description: row.Description,
		Path:      path,
		CreatedAt: row.CreatedAt, ModifiedAt: row.ModifiedAt,
		ContentCreatedAt: row.ContentCreatedAt, ContentModifiedAt: row.ContentModifiedAt,
		TrashedAt: row.TrashedAt, Status: status,
		Tags: row.Tags, Linked: row.Linked,
	}
	if len(path) > 0 {
		n.Parent = &path[len(path)-1]
	}
	switch {
	case row.Limbo != meta.NoLimbo:
		n.Status = inLimbo
	case !row.TrashedAt.IsZero():
		n.Status = content.InTrash
	}
	if n.CreatedBy, err = a.person(row.CreatedBy); err != nil {
		return n, err
	}
	if n.ModifiedBy, err = a.person(row.ModifiedBy); err != nil {
		return n, err
	}
	owner, err := a.user(row.Owner)
	n.OwnedBy, n.Enterprise = owner.Person, owner.Enterprise.ID
	return n, err
}

func folder(row meta.Item, n content.Node) content.Folder {
	return content.Folder{
		Node: n, Root: row.Parent == 0 && row.Limbo == meta.NoLimbo && row.TrashedAt.IsZero(),
		Size: row.Size, Holds: row.Holds(), FolderOptions: row.FolderOptions,
	}
}

func (a *assembler) item(row meta.Item, path []content.Folder, status content.Status) (content.Item, error) {
	n, err := a.node(row, path, status)
	if err != nil {
		return nil, err
	}
	if n.Link, err = a.linkOf(&n); err != nil {
		return nil, err
	}
	switch row.Kind {
	case meta.Folder:
		f := folder(row, n)
		return &f, nil
	case meta.WebLink:
		return &content.WebLink{Node: n, URL: row.URL}, nil
	}
	v, err := a.version(row.Current)
	if err != nil {
		return nil, err
	}
	f := &content.File{Node: n, Version: v, VersionNumber: row.Current.Number}
	if l := row.Lock; l != nil && (l.ExpiresAt.IsZero() || a.now.Before(l.ExpiresAt)) {
		by, err := a.person(l.By)
		if err != nil {
			return nil, err
		}
		f.Lock = &content.FileLock{ID: l.ID, By: by, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, NoDownload: l.NoDownload, AppType: l.AppType}
	}
	return f, nil
}

func (a *assembler) version(row meta.Version) (v content.Version, err error) {
	v = content.Version{
		ID: row.ID, File: row.File, Number: row.Number, Name: row.Name, Size: row.Size, SHA1: row.SHA1,
		CreatedAt: row.CreatedAt, TrashedAt: row.TrashedAt, RestoredAt: row.RestoredAt, PromotedFrom: row.PromotedFrom,
	}
	if v.CreatedBy, err = a.person(row.CreatedBy); err != nil {
		return v, err
	}
	if v.TrashedBy, err = a.maybe(row.TrashedBy); err != nil {
		return v, err
	}
	v.RestoredBy, err = a.maybe(row.RestoredBy)
	return v, err
}

var kindNames = map[meta.ItemKind]string{meta.Folder: "folder", meta.File: "file", meta.WebLink: "web link"}

// load gets an item that the caller may do something to, See at the least. As a
// folder, id 0 is the caller's root. The trash is not left out.
func (s *Service) load(tx meta.Tx, who content.Principal, id content.ID, kind meta.ItemKind, do content.Action) (content.Item, error) {
	_, item, err := s.find(tx, who, id, kind, do)
	return item, err
}

// find is load for who goes on to change the row.
func (s *Service) find(tx meta.Tx, who content.Principal, id content.ID, kind meta.ItemKind, do content.Action) (row meta.Item, item content.Item, err error) {
	return s.assembler(tx).find(who, id, kind, do)
}

func (a *assembler) find(who content.Principal, id content.ID, kind meta.ItemKind, do content.Action) (row meta.Item, item content.Item, err error) {
	if kind == meta.Folder && id == 0 {
		id = who.Root
	}
	gone := func() error {
		return content.Errorf(content.NotFound, "there is no %s %s, or you may not see it", kindNames[kind], id)
	}
	row, w, err := a.locate(id, id == who.Root)
	if content.Is(err, content.NotFound) || err == nil && row.Kind != kind {
		return row, nil, gone()
	}
	if err != nil {
		return row, nil, err
	}
	if item, err = a.item(row, w.path, w.status); err != nil {
		return row, nil, err
	}
	if content.NodeOf(item).Status == inLimbo {
		return row, nil, gone()
	}
	if err := content.Allow(who, do, item); err != nil {
		if content.Is(err, content.NotFound) {
			return row, nil, gone()
		}
		return row, nil, err
	}
	return row, item, nil
}

// locate is an item's row and the way to it. Of a root, and of what lies in a folder
// that is known, only the row is asked for.
func (a *assembler) locate(id content.ID, root bool) (row meta.Item, w way, err error) {
	if root || len(a.ways) > 0 {
		if row, err = a.tx.Item(id); err != nil {
			return row, w, err
		}
		if w, ok := a.ways[row.Parent]; ok {
			return row, w, nil
		}
		if row.Parent == 0 {
			return row, way{status: content.Active}, nil
		}
	}
	rows, err := a.tx.Lineage(id)
	if err != nil {
		return row, w, err
	}
	last := len(rows) - 1
	w.path, w.status, err = a.way(rows[:last])
	return rows[last], w, err
}

// findLive is find for what is not in the trash, neither itself nor with a folder.
func (a *assembler) findLive(who content.Principal, id content.ID, kind meta.ItemKind, do content.Action) (row meta.Item, item content.Item, err error) {
	row, item, err = a.find(who, id, kind, do)
	if err == nil && content.NodeOf(item).Status != content.Active {
		err = content.Errorf(content.Trashed, "%s %s is in the trash", kindNames[kind], id)
	}
	if err != nil {
		return row, nil, err
	}
	return row, item, nil
}

// assemble makes an item of its row, with the folders above it.
func (s *Service) assemble(tx meta.Tx, row meta.Item) (content.Item, error) {
	return s.assembler(tx).placed(row)
}

// know keeps the way to what is in a folder that has been assembled, as it then was.
func (a *assembler) know(in *content.Folder) {
	if a.ways == nil {
		a.ways = map[content.ID]way{}
	}
	a.ways[in.ID] = way{append(in.Path[:len(in.Path):len(in.Path)], *in), in.Status}
}

// placed is assemble for many items: what lies in one folder shares the way to it.
func (a *assembler) placed(row meta.Item) (content.Item, error) {
	w, ok := a.ways[row.Parent]
	if !ok {
		var err error
		if w.path, w.status, err = a.above(row.ID); err != nil {
			return nil, err
		}
		if a.ways == nil {
			a.ways = map[content.ID]way{}
		}
		if row.Parent != 0 {
			a.ways[row.Parent] = w
		}
	}
	return a.item(row, w.path, w.status)
}

// live is load for what is not in the trash, neither itself nor with a folder.
func (s *Service) live(tx meta.Tx, who content.Principal, id content.ID, kind meta.ItemKind, do content.Action) (content.Item, error) {
	_, item, err := s.assembler(tx).findLive(who, id, kind, do)
	return item, err
}

func (s *Service) liveFile(tx meta.Tx, who content.Principal, id content.ID, do content.Action) (*content.File, error) {
	item, err := s.live(tx, who, id, meta.File, do)
	if err != nil {
		return nil, err
	}
	return item.(*content.File), nil
}

func (s *Service) liveFolder(tx meta.Tx, who content.Principal, id content.ID, do content.Action) (*content.Folder, error) {
	item, err := s.live(tx, who, id, meta.Folder, do)
	if err != nil {
		return nil, err
	}
	return item.(*content.Folder), nil
}
