package content

import (
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// LinkAccess is who may use a shared link.
type LinkAccess string

// Who may use a shared link. There are no collaborators yet but the owner.
const (
	LinkOpen          LinkAccess = "open"    // whoever has it
	LinkCompany       LinkAccess = "company" // users of the owner's enterprise
	LinkCollaborators LinkAccess = "collaborators"
)

// Known says whether there is such an access.
func (a LinkAccess) Known() bool {
	return a == LinkOpen || a == LinkCompany || a == LinkCollaborators
}

// SharedLink is an address under which others find an item, and all below it.
type SharedLink struct {
	Item       ID
	Token      string // of its URL
	Vanity     string // the name of its other URL; "" for none
	Access     LinkAccess
	Password   bool      // it asks for one
	UnsharedAt time.Time // when it ends; zero: never
	Download   bool
	Edit       bool
	// Downloads and Previews are how often it was used.
	Downloads, Previews int64
	// Stamp is another once the link or its password is another.
	Stamp uint64
}

// Grant is what the link gives to those who may use it.
func (l SharedLink) Grant() LinkGrant {
	return LinkGrant{Item: l.Item, Preview: true, Download: l.Download, Edit: l.Edit && l.Download, Stamp: l.Stamp}
}

// LinkGrant is what a shared link gives to whoever comes with it: access to an
// item and to all below it. Whether the link is still good, and its password
// the right one, was found out before.
type LinkGrant struct {
	Item     ID
	Preview  bool
	Download bool
	Edit     bool // new versions of files, new files in folders
	// Stamp is the link's, by which whoever keeps the grant finds out whether it is
	// still good.
	Stamp uint64
}

func (g LinkGrant) allows(do Action, item Item) bool {
	if !within(item, g.Item) || NodeOf(item).Status == InTrash {
		return false
	}
	switch do {
	case See:
		return true
	case Keep:
		return true
	case Preview:
		return g.Preview || g.Download
	case Download:
		return g.Download
	case Upload, Lock:
		return g.Edit
	}
	return false
}

// PathFor is what the caller may know of the folders above an item, the
// topmost first: all of them for the owner; for whoever came by a shared link,
// those from the folder on that has the link.
func PathFor(who Principal, item Item) []Folder {
	all := NodeOf(item).Path
	for i := range all {
		if rightTo(who, See, &all[i]) {
			return all[i:]
		}
	}
	return nil
}

// LinkFor is the link by which the caller may do something to an item; ok says
// that it takes one, and that there is one.
func LinkFor(who Principal, do Action, item Item) (g LinkGrant, ok bool) {
	if who.User != 0 && NodeOf(item).OwnedBy.ID == who.User {
		return g, false
	}
	for _, g := range who.Links {
		if g.allows(do, item) {
			return g, true
		}
	}
	return g, false
}

// AllowPast says whether the caller may know the past versions of a file that
// the caller may see: who has a link to read it by sees it as it is now.
func AllowPast(who Principal, file *File) error {
	if g, ok := LinkFor(who, See, file); ok && !g.Edit {
		return Errorf(AccessDenied, "a shared link is for the current version of %q only", file.Name)
	}
	return nil
}

// SeesLink says whether the caller may know an item's shared link: its owner,
// and whoever came with that very link. Others, who came by a link to a folder
// above, would learn of a way that may let them do more.
func SeesLink(who Principal, item Item) bool {
	n := NodeOf(item)
	if who.User != 0 && n.OwnedBy.ID == who.User {
		return true
	}
	for _, g := range who.Links {
		if g.Item == n.ID {
			return true
		}
	}
	return false
}

// Lengths of what a shared link's owner may choose.
const (
	minVanity       = 12 // characters, as Box documents
	maxVanity       = 100
	minLinkPassword = 8   // characters, as Box documents
	maxLinkPassword = 256 // bytes
)

// CheckVanity says whether a name may stand in a shared link's URL.
func CheckVanity(name string) error {
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return Errorf(BadRequest, "vanity_name can have letters, digits, - and _, and not %q", r)
		}
	}
	if len(name) < minVanity || len(name) > maxVanity {
		return Errorf(BadRequest, "vanity_name must have %d to %d characters, not %d", minVanity, maxVanity, len(name))
	}
	return nil
}

// VanityKey is what two vanity names must not share.
func VanityKey(name string) string { return strings.ToLower(name) }

// CheckLinkPassword says whether a password is good enough for a shared link.
func CheckLinkPassword(password string) error {
	if utf8.RuneCountInString(password) < minLinkPassword || len(password) > maxLinkPassword {
		return Errorf(BadRequest, "a shared link's password has at least %d characters, and at most %d bytes", minLinkPassword, maxLinkPassword)
	}
	if strings.IndexFunc(password, func(r rune) bool { return !unicode.IsLetter(r) || unicode.IsUpper(r) }) < 0 {
		return Errorf(BadRequest, "a shared link's password needs a digit, an upper-case letter, or a character that is no letter")
	}
	return nil
}

// MaxLinkPassword is how long the password of a shared link may be, in bytes.
const MaxLinkPassword = maxLinkPassword

// ParseLinkURL reads the URL of a shared link, in any of the forms that this
// server or Box gives out, and gives its token or its vanity name. Which host it names does not
// matter: the same links are served under every name of the server.
//
//	https://HOST/s/TOKEN, and what is below it
//	https://HOST/v/NAME
//	https://HOST/shared/static/TOKEN.EXT
func ParseLinkURL(link string) (token, vanity string, ok bool) {
	link = strings.TrimSpace(link)
	if len(link) > maxLinkURL {
		return "", "", false
	}
	if !strings.Contains(link, "://") {
		link = "https://" + link
	}
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", "", false
	}
	// A server may be published below a path, so that these need not be the first.
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	for i := 0; i+1 < len(parts); i++ {
		name := parts[i+1]
		switch {
		case parts[i] == "s" && isLinkToken(name):
			return name, "", true
		case parts[i] == "v" && CheckVanity(name) == nil:
			return "", name, true
		case parts[i] == "shared" && name == "static" && i+3 == len(parts):
			if token := StaticToken(parts[i+2]); token != "" {
				return token, "", true
			}
		}
	}
	return "", "", false
}

const maxLinkURL = 2048 // bytes

// StaticToken is the token in the last part of a download URL, TOKEN.EXT; ""
// if there is none.
func StaticToken(name string) string {
	token, _, _ := strings.Cut(name, ".")
	if !isLinkToken(token) {
		return ""
	}
	return token
}

// StaticName is that last part.
func StaticName(token, fileName string) string {
	ext := path.Ext(fileName)
	for _, r := range strings.TrimPrefix(ext, ".") {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return token
		}
	}
	if ext == "." {
		return token
	}
	return token + ext
}

// isLinkToken says whether s can be the token of a link; Box's are 32 characters
// long, ours 26.
func isLinkToken(s string) bool {
	if len(s) < 16 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
