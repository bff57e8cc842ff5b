package content

import (
	"slices"
	"testing"
)

// What stands where: root 1 > shelf 2 > book 3, all owned by user 10; root 101
// is user 11's.
func things() (root, shelf *Folder, book *File) {
	owner := Person{ID: 10, Login: "owner@example.net"}
	root = &Folder{Node: Node{ID: 1, Name: "All Files", OwnedBy: owner}, Root: true}
	shelf = &Folder{Node: Node{ID: 2, Name: "shelf", OwnedBy: owner, Path: []Folder{*root}}}
	book = &File{Node: Node{ID: 3, Name: "book", OwnedBy: owner, Path: []Folder{*root, *shelf}}}
	return root, shelf, book
}

func TestAllow(t *testing.T) {
	owner, other := Principal{User: 10}, Principal{User: 11}
	scoped := func(who Principal, r ...Restriction) Principal {
		who.Scoped, who.Restrictions = true, r
		return who
	}
	linked := func(who Principal, g LinkGrant) Principal {
		who.Links = append(who.Links, g)
		return who
	}
	all := allActions
	none := []Action{}
	for name, c := range map[string]struct {
		who   Principal
		shelf []Action // what is allowed on the folder
		book  []Action // and on the file in it
		why   Kind     // the kind of every refusal on the file
	}{
		"owner":                          {who: owner, shelf: all, book: all},
		"other":                          {who: other, shelf: none, book: none, why: NotFound},
		"nobody":                         {who: Principal{}, shelf: none, book: none, why: NotFound},
		"other, who is an administrator": {who: Principal{User: 11, Admin: true}, shelf: none, book: none, why: NotFound},

		"owner, a token good for nothing": {who: scoped(owner), shelf: none, book: none, why: InsufficientScope},
		"owner, to read only":             {who: scoped(owner, Restriction{Scope: ScopeRootReadOnly}), shelf: []Action{See, Preview, Download}, book: []Action{See, Preview, Download}, why: InsufficientScope},
		"owner, to read and write":        {who: scoped(owner, Restriction{Scope: ScopeRootReadWrite}), shelf: all, book: all},
		"owner, to upload to the shelf":   {who: scoped(owner, Restriction{Scope: ScopeBaseUpload, Item: 2}), shelf: []Action{See, Upload}, book: []Action{See, Upload}, why: InsufficientScope},
		"owner, to preview another item":  {who: scoped(owner, Restriction{Scope: ScopeItemPreview, Item: 99}), shelf: none, book: none, why: InsufficientScope},
		"owner, to preview the book":      {who: scoped(owner, Restriction{Scope: ScopeItemPreview, Item: 3}), shelf: none, book: []Action{See, Preview}, why: InsufficientScope},
		"owner, two scopes": {who: scoped(owner, Restriction{Scope: ScopeBaseExplorer}, Restriction{Scope: ScopeItemDelete, Item: 3}),
			shelf: []Action{See}, book: []Action{See, Delete}, why: InsufficientScope},
		"owner, a scope that is not about items": {who: scoped(owner, Restriction{Scope: ScopeManageUsers}), shelf: none, book: none, why: InsufficientScope},
		"owner, an unknown scope":                {who: scoped(owner, Restriction{Scope: "everything"}), shelf: none, book: none, why: InsufficientScope},
		"other, with all scopes there are":       {who: scoped(other, Restriction{Scope: ScopeRootReadWrite}), shelf: none, book: none, why: NotFound},

		"a link to the shelf, to look":     {who: linked(other, LinkGrant{Item: 2}), shelf: []Action{See, Keep}, book: []Action{See, Keep}, why: AccessDenied},
		"a link to the shelf, to preview":  {who: linked(other, LinkGrant{Item: 2, Preview: true}), shelf: []Action{See, Preview, Keep}, book: []Action{See, Preview, Keep}, why: AccessDenied},
		"a link to the shelf, to download": {who: linked(other, LinkGrant{Item: 2, Download: true}), shelf: []Action{See, Preview, Download, Keep}, book: []Action{See, Preview, Download, Keep}, why: AccessDenied},
		"a link to the book, to edit":      {who: linked(other, LinkGrant{Item: 3, Download: true, Edit: true}), shelf: none, book: []Action{See, Preview, Download, Upload, Lock, Keep}, why: AccessDenied},
		"a link to something else":         {who: linked(other, LinkGrant{Item: 99, Download: true, Edit: true}), shelf: none, book: none, why: NotFound},
		"nobody with a link":               {who: linked(Principal{}, LinkGrant{Item: 3, Download: true}), shelf: none, book: []Action{See, Preview, Download, Keep}, why: AccessDenied},
		"a link, and a token to look only": {who: scoped(linked(other, LinkGrant{Item: 3, Download: true}), Restriction{Scope: ScopeBaseExplorer}), shelf: none, book: []Action{See}, why: InsufficientScope},
		"owner with a link of their own":   {who: linked(owner, LinkGrant{Item: 3}), shelf: all, book: all},
	} {
		_, shelf, book := things()
		for _, do := range allActions {
			if got, want := May(c.who, do, shelf), slices.Contains(c.shelf, do); got != want {
				t.Errorf("%s: %s the shelf is %v, want %v", name, do, got, want)
			}
			err := Allow(c.who, do, book)
			if got, want := err == nil, slices.Contains(c.book, do); got != want {
				t.Errorf("%s: %s the book is %v, want %v", name, do, got, want)
			}
			if err != nil && KindOf(err) != c.why {
				t.Errorf("%s: %s the book is refused as kind %d, want %d: %v", name, do, KindOf(err), c.why, err)
			}
		}
	}
}

// A lock keeps out everybody but its holder, the owner too, who may take it off.
func TestLocksKeepOthersOut(t *testing.T) {
	_, _, book := things()
	book.Lock = &FileLock{By: Person{ID: 11}}
	holder := Principal{User: 11, Links: []LinkGrant{{Item: 3, Download: true, Edit: true}}}
	for _, do := range []Action{Upload, Rename, Delete} {
		if err := Allow(Principal{User: 10}, do, book); !Is(err, ItemLocked) {
			t.Errorf("the owner may %s: %v", do, err)
		}
	}
	for _, do := range []Action{See, Preview, Download, Share, Keep, Lock} {
		if err := Allow(Principal{User: 10}, do, book); err != nil {
			t.Errorf("the owner may not %s: %v", do, err)
		}
	}
	for _, do := range []Action{Upload, Lock, Download} {
		if err := Allow(holder, do, book); err != nil {
			t.Errorf("the holder may not %s: %v", do, err)
		}
	}
	book.Lock.NoDownload = true
	if err := Allow(Principal{User: 10}, Download, book); !Is(err, ItemLocked) {
		t.Errorf("the owner may download what the lock keeps: %v", err)
	}
	if err := Allow(holder, Download, book); err != nil {
		t.Errorf("the holder may not download: %v", err)
	}
	editor := Principal{User: 12, Links: holder.Links}
	if err := Allow(editor, Lock, book); !Is(err, ItemLocked) {
		t.Errorf("another editor may lock: %v", err)
	}
	// Who may not see it is not told of the lock.
	if err := Allow(Principal{User: 13}, Upload, book); !Is(err, NotFound) {
		t.Errorf("a stranger hears of the lock: %v", err)
	}
}

func TestAllowRight(t *testing.T) {
	user, admin := Principal{User: 10}, Principal{User: 10, Admin: true}
	scoped := func(who Principal, s Scope, item ID) Principal {
		who.Scoped, who.Restrictions = true, []Restriction{{Scope: s, Item: item}}
		return who
	}
	rights := []Right{ReadEvents, ReadAdminEvents, Search, AccountItems, AdministerUsers, Impersonate, ExchangeToken}
	own := []Right{ReadEvents, Search, AccountItems, ExchangeToken}
	for name, c := range map[string]struct {
		who  Principal
		may  []Right
		kind Kind
	}{
		"user":                           {user, own, AccessDenied},
		"administrator":                  {admin, rights, 0},
		"user, to read":                  {scoped(user, ScopeRootReadOnly, 0), own, InsufficientScope},
		"user, to read one folder":       {scoped(user, ScopeRootReadOnly, 5), []Right{ExchangeToken}, InsufficientScope},
		"user, to explore":               {scoped(user, ScopeBaseExplorer, 5), []Right{Search, ExchangeToken}, InsufficientScope},
		"user, to upload":                {scoped(user, ScopeBaseUpload, 5), []Right{ExchangeToken}, InsufficientScope},
		"administrator, to upload":       {scoped(admin, ScopeBaseUpload, 0), []Right{ExchangeToken}, InsufficientScope},
		"administrator, to manage users": {scoped(admin, ScopeManageUsers, 0), []Right{AdministerUsers, ExchangeToken}, InsufficientScope},
		"nobody's token for nothing":     {Principal{Scoped: true}, []Right{ExchangeToken}, InsufficientScope},
	} {
		for _, right := range rights {
			err := AllowRight(c.who, right)
			if got, want := err == nil, slices.Contains(c.may, right); got != want {
				t.Errorf("%s: %s is %v, want %v", name, right, got, want)
			}
			if err != nil && KindOf(err) != c.kind {
				t.Errorf("%s: %s is refused as kind %d, want %d", name, right, KindOf(err), c.kind)
			}
		}
	}
	if !ScopeBaseUpload.Known() || Scope("nonsense").Known() {
		t.Error("scopes are not told from nonsense")
	}
}

func TestAllowSession(t *testing.T) {
	_, shelf, book := things()
	scoped := func(r ...Restriction) Principal { return Principal{User: 10, Scoped: true, Restrictions: r} }
	for name, c := range map[string]struct {
		who    Principal
		target Item
		want   Kind // Internal: allowed
	}{
		"owner":                        {Principal{User: 10}, shelf, Internal},
		"owner, the folder is gone":    {Principal{User: 10}, nil, Internal},
		"other":                        {Principal{User: 11}, shelf, SessionForbidden},
		"nobody":                       {Principal{}, shelf, SessionForbidden},
		"a token for uploads":          {scoped(Restriction{Scope: ScopeBaseUpload}), shelf, Internal},
		"a token for uploads, gone":    {scoped(Restriction{Scope: ScopeBaseUpload}), nil, Internal},
		"a token for the folder":       {scoped(Restriction{Scope: ScopeBaseUpload, Item: 2}), book, Internal},
		"a token for the folder, gone": {scoped(Restriction{Scope: ScopeBaseUpload, Item: 2}), nil, InsufficientScope},
		"a token for another":          {scoped(Restriction{Scope: ScopeBaseUpload, Item: 99}), shelf, InsufficientScope},
		"a token to read":              {scoped(Restriction{Scope: ScopeRootReadOnly}), shelf, InsufficientScope},
	} {
		if err := AllowSession(c.who, 10, c.target); (err == nil) != (c.want == Internal) || err != nil && KindOf(err) != c.want {
			t.Errorf("%s: %v, want kind %d", name, err, c.want)
		}
	}
}
