package tree

import (
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// assembler makes nouns of rows in one transaction, and asks for each user once.
type assembler struct {
	tx     meta.Tx
	people map[content.ID]content.Person
}

func (a *assembler) person(id content.ID) (content.Person, error) {
	if p, ok := a.people[id]; ok {
		return p, nil
	}
	u, err := a.tx.User(id)
	if err != nil {
		return content.Person{}, err
	}
	if a.people == nil {
		a.people = map[content.ID]content.Person{}
	}
	a.people[id] = u.Person
	return u.Person, nil
}

// above makes the folders over an item out of rows, the root first, and says
// whether the trash holds any of them.
func (a *assembler) above(id content.ID) ([]content.Folder, content.Status, error) {
	rows, err := a.tx.Ancestors(id)
	if err != nil {
		return nil, "", err
	}
	path, status := make([]content.Folder, 0, len(rows)), content.Active
	for _, row := range rows {
		if !row.TrashedAt.IsZero() {
			status = content.InTrash
		}
		n, err := a.node(row, path, status)
		if err != nil {
			return nil, "", err
		}
		path = append(path, content.Folder{Node: n, Root: row.Parent == 0})
	}
	return path, status, nil
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
	}
	if len(path) > 0 {
		n.Parent = &path[len(path)-1]
	}
	if !row.TrashedAt.IsZero() {
		n.Status = content.InTrash
	}
	if n.CreatedBy, err = a.person(row.CreatedBy); err != nil {
		return n, err
	}
	if n.ModifiedBy, err = a.person(row.ModifiedBy); err != nil {
		return n, err
	}
	n.OwnedBy, err = a.person(row.Owner)
	return n, err
}

func (a *assembler) item(row meta.Item, path []content.Folder, status content.Status) (content.Item, error) {
	n, err := a.node(row, path, status)
	if err != nil {
		return nil, err
	}
	if row.Kind == meta.Folder {
		return &content.Folder{Node: n, Root: row.Parent == 0}, nil
	}
	v, err := a.version(row.Current)
	return &content.File{Node: n, Version: v, VersionNumber: row.Current.Number}, err
}

func (a *assembler) version(row meta.Version) (content.Version, error) {
	by, err := a.person(row.CreatedBy)
	return content.Version{
		ID: row.ID, File: row.File, Number: row.Number, Name: row.Name, Size: row.Size, SHA1: row.SHA1,
		CreatedAt: row.CreatedAt, CreatedBy: by, TrashedAt: row.TrashedAt,
	}, err
}

// load gets an item that the caller may see. id 0 is the caller's root.
func (s *Service) load(tx meta.Tx, who content.Principal, id content.ID, kind meta.ItemKind) (content.Item, error) {
	name := "file"
	if kind == meta.Folder {
		name = "folder"
		if id == 0 {
			id = who.Root
		}
	}
	gone := content.Errorf(content.NotFound, "there is no %s %s, or you may not see it", name, id)
	row, err := tx.Item(id)
	if content.Is(err, content.NotFound) || err == nil && row.Kind != kind {
		return nil, gone
	}
	if err != nil {
		return nil, err
	}
	a := assembler{tx: tx}
	path, status, err := a.above(id)
	if err != nil {
		return nil, err
	}
	item, err := a.item(row, path, status)
	if err != nil {
		return nil, err
	}
	if !content.May(who, content.See, item) {
		return nil, gone
	}
	return item, nil
}

func (s *Service) file(tx meta.Tx, who content.Principal, id content.ID) (*content.File, error) {
	item, err := s.load(tx, who, id, meta.File)
	if err != nil {
		return nil, err
	}
	return item.(*content.File), nil
}

// liveFile is a file that is not in the trash, itself or with a folder.
func (s *Service) liveFile(tx meta.Tx, who content.Principal, id content.ID) (*content.File, error) {
	file, err := s.file(tx, who, id)
	if err == nil && file.Status != content.Active {
		return nil, content.Errorf(content.Trashed, "file %s is in the trash", id)
	}
	return file, err
}

func (s *Service) liveFolder(tx meta.Tx, who content.Principal, id content.ID) (*content.Folder, error) {
	item, err := s.load(tx, who, id, meta.Folder)
	if err != nil {
		return nil, err
	}
	folder := item.(*content.Folder)
	if folder.Status != content.Active {
		return nil, content.Errorf(content.Trashed, "folder %s is in the trash", id)
	}
	return folder, nil
}
