package content

// Action is something done to an item.
type Action string

const (
	See      Action = "see"     // know that it is there, read its fields
	Preview  Action = "preview" // thumbnails and other small forms of a file
	Download Action = "download"
	Upload   Action = "upload" // into a folder; a new version of a file
	Rename   Action = "rename" // name, description, tags; where it is
	Delete   Action = "delete" // to the trash, from the trash, a version
	Share    Action = "share"  // its shared link
	Lock     Action = "lock"
	// Keep is the caller's own note about an item: a favourite.
	Keep Action = "keep"
)

// Scope is what a downscoped token may do, in the words of OAuth.
type Scope string

// The scopes that a token can be exchanged for. Those of features still to
// come are known, and allow nothing.
const (
	ScopeRootReadOnly  Scope = "root_readonly"
	ScopeRootReadWrite Scope = "root_readwrite"
	ScopeBaseExplorer  Scope = "base_explorer"
	ScopeBasePicker    Scope = "base_picker"
	ScopeBasePreview   Scope = "base_preview"
	ScopeBaseUpload    Scope = "base_upload"
	ScopeBaseSidebar   Scope = "base_sidebar"
	ScopeItemPreview   Scope = "item_preview"
	ScopeItemDownload  Scope = "item_download"
	ScopeItemUpload    Scope = "item_upload"
	ScopeItemRename    Scope = "item_rename"
	ScopeItemDelete    Scope = "item_delete"
	ScopeItemShare     Scope = "item_share"
	ScopeItemReadWrite Scope = "item_readwrite"

	ScopeManageUsers      Scope = "manage_managed_users"
	ScopeManageAppUsers   Scope = "manage_app_users"
	ScopeManageEnterprise Scope = "manage_enterprise_properties"
)

var allActions = []Action{See, Preview, Download, Upload, Rename, Delete, Share, Lock, Keep}

// scoped is what each scope allows on the items that it covers.
var scoped = map[Scope][]Action{
	ScopeRootReadOnly:  {See, Preview, Download},
	ScopeRootReadWrite: allActions,
	ScopeBaseExplorer:  {See},
	ScopeBasePicker:    {See},
	ScopeBasePreview:   {See, Preview},
	ScopeBaseUpload:    {See, Upload},
	ScopeBaseSidebar:   {See},
	ScopeItemPreview:   {See, Preview},
	ScopeItemDownload:  {See, Preview, Download},
	ScopeItemUpload:    {See, Upload},
	ScopeItemRename:    {See, Rename},
	ScopeItemDelete:    {See, Delete},
	ScopeItemShare:     {See, Share},
	ScopeItemReadWrite: allActions,

	ScopeManageUsers: nil, ScopeManageAppUsers: nil, ScopeManageEnterprise: nil,
	"annotation_edit": nil, "annotation_view_all": nil, "annotation_view_self": nil,
	"manage_groups": nil, "manage_webhook": nil, "manage_data_retention": nil, "manage_legal_holds": nil,
	"item_execute_integration": nil, "ai.readwrite": nil,
}

// Known says whether there is such a scope.
func (s Scope) Known() bool { _, ok := scoped[s]; return ok }

// Restriction is one of the things that a downscoped token may do: a scope, on
// one item and all below it, or on all items if Item is 0.
type Restriction struct {
	Scope Scope
	Item  ID
	Kind  string // of the item: "file" or "folder"; empty without one
}

func (r Restriction) allows(do Action, item Item) bool {
	for _, a := range scoped[r.Scope] {
		if a == do {
			return r.Item == 0 || within(item, r.Item)
		}
	}
	return false
}

// within says whether item is the one with that id, or below it.
func within(item Item, id ID) bool {
	n := NodeOf(item)
	if n.ID == id {
		return true
	}
	for i := range n.Path {
		if n.Path[i].ID == id {
			return true
		}
	}
	return false
}

// May is Allow, as a question.
func May(who Principal, do Action, item Item) bool { return Allow(who, do, item) == nil }

// Allow is the one permission rule for items: who may do what to which. nil
// is yes. The owner may do everything, and whoever comes with a shared link
// what that link says. A token may be good for less than its user, and a lock
// that somebody else holds keeps a file as it is; only the owner may put another
// in its place, or take it off.
//
// What the caller may not See is a NotFound error and does not exist for that
// caller; beyond that the kinds are InsufficientScope, AccessDenied and ItemLocked.
func Allow(who Principal, do Action, item Item) error {
	n := NodeOf(item)
	if !rightTo(who, See, item) {
		return Errorf(NotFound, "there is no such item, or you may not see it")
	}
	if !inScope(who, do, item) {
		return Errorf(InsufficientScope, "this token may not %s %q", do, n.Name)
	}
	if !rightTo(who, do, item) {
		return Errorf(AccessDenied, "you may not %s %q", do, n.Name)
	}
	if !who.Status.allows(do) {
		return Errorf(AccessDenied, "your account may not %s anything", do)
	}
	if f, ok := item.(*File); ok && f.Lock != nil && f.Lock.By.ID != who.User {
		switch do {
		case Lock:
			if n.OwnedBy.ID == who.User {
				break // may take it off
			}
			fallthrough
		case Upload, Rename, Delete:
			return Errorf(ItemLocked, "%q is locked by %s", n.Name, f.Lock.By.Login)
		case Download:
			if f.Lock.NoDownload {
				return Errorf(ItemLocked, "%q is locked by %s, who does not want it downloaded", n.Name, f.Lock.By.Login)
			}
		}
	}
	return nil
}

// AllowSession says whether the caller may use an upload session: its owner
// may, with a token that is good for uploads to where it goes. target is that
// file or folder, nil if it is gone meanwhile, which only a token that is good
// for all items gets past. The kinds of error are SessionForbidden, which goes
// before anything is told, and InsufficientScope.
func AllowSession(who Principal, owner ID, target Item) error {
	if who.User == 0 || who.User != owner {
		return Errorf(SessionForbidden, "this upload session belongs to someone else")
	}
	if target == nil {
		target = &Folder{}
	}
	if !inScope(who, Upload, target) {
		return Errorf(InsufficientScope, "this token may not upload to where this session goes")
	}
	return nil
}

// rightTo leaves the token's scope out of account.
func rightTo(who Principal, do Action, item Item) bool {
	if who.User != 0 && NodeOf(item).OwnedBy.ID == who.User {
		return true
	}
	for _, g := range who.Links {
		if g.allows(do, item) {
			return true
		}
	}
	return false
}

// inScope is what the caller's token leaves of the caller's rights.
func inScope(who Principal, do Action, item Item) bool {
	if !who.Scoped {
		return true
	}
	for _, r := range who.Restrictions {
		if r.allows(do, item) {
			return true
		}
	}
	return false
}

// Right is something a caller does that is about no item in particular.
type Right string

const (
	ReadEvents      Right = "read events"       // the caller's own
	ReadAdminEvents Right = "read admin events" // of the whole enterprise
	Search          Right = "search"            // what is found is asked for one by one
	AccountItems    Right = "account items"     // lists that go over all the caller has: trash, recents, favourites
	AdministerUsers Right = "administer users"  // create, change, delete others
	Impersonate     Right = "impersonate"       // As-User
	ExchangeToken   Right = "exchange token"
)

// AllowRight says whether the caller may do something that is about no item.
// The kinds of error are InsufficientScope and AccessDenied.
func AllowRight(who Principal, right Right) error {
	if who.Scoped && !rightInScope(who, right) {
		return Errorf(InsufficientScope, "this token may not %s", right)
	}
	switch right {
	case ReadAdminEvents, AdministerUsers, Impersonate:
		if !who.Admin {
			return Errorf(AccessDenied, "only administrators may %s", right)
		}
	}
	return nil
}

func rightInScope(who Principal, right Right) bool {
	for _, r := range who.Restrictions {
		switch r.Scope {
		case ScopeRootReadWrite, ScopeRootReadOnly:
			if r.Item == 0 && (right == ReadEvents || right == Search || right == AccountItems) {
				return true
			}
		case ScopeBaseExplorer, ScopeBasePicker, ScopeBaseSidebar:
			if right == Search {
				return true
			}
		case ScopeManageUsers, ScopeManageAppUsers:
			if right == AdministerUsers {
				return true
			}
		}
	}
	// Narrowing what is narrow already is always allowed.
	return right == ExchangeToken
}
