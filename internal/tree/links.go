package tree

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// LinkSettings are what a caller wants of an item's shared link. What is nil
// stays as it is, also where the link is there already: nothing that is left
// out opens a link further. A new link is open, and for downloads.
type LinkSettings struct {
	Access     *content.LinkAccess
	Password   *string    // "" takes it off
	UnsharedAt *time.Time // zero: never
	Vanity     *string    // "" takes it off
	Download   *bool
	Edit       *bool
}

// LinkChange makes the Change.Link that gives an item a shared link, or changes
// the one it has; nil settings take it away.
func (s *Service) LinkChange(ctx context.Context, set *LinkSettings) (LinkChange, error) {
	if set == nil {
		return s.unlink, nil
	}
	if a := set.Access; a != nil && !a.Known() {
		return nil, content.Errorf(content.BadRequest, "shared_link.access can be open, company or collaborators, not %.40q", *a)
	}
	if v := set.Vanity; v != nil && *v != "" {
		if err := content.CheckVanity(*v); err != nil {
			return nil, err
		}
	}
	hashed := ""
	if p := set.Password; p != nil && *p != "" {
		if err := content.CheckLinkPassword(*p); err != nil {
			return nil, err
		}
		// Before the transaction: it takes its time.
		var err error
		if hashed, err = s.links.hash(ctx, s, *p); err != nil {
			return nil, err
		}
	}
	return func(tx meta.Tx, who content.Principal, now time.Time, item content.Item, row *meta.Item) (content.EventType, error) {
		return s.link(tx, who, now, row, *set, hashed)
	}, nil
}

func (s *Service) unlink(tx meta.Tx, _ content.Principal, _ time.Time, _ content.Item, row *meta.Item) (content.EventType, error) {
	if !row.Linked {
		return "", nil
	}
	row.Linked = false
	return content.ItemSharedUnshare, tx.DeleteSharedLink(row.ID)
}

// link makes the link of an item, or changes it. It does not write the item's row.
func (s *Service) link(tx meta.Tx, who content.Principal, now time.Time, row *meta.Item, set LinkSettings, hashed string) (content.EventType, error) {
	was, err := tx.SharedLink(row.ID)
	fresh := content.Is(err, content.NotFound)
	if err != nil && !fresh {
		return "", err
	}
	if !fresh && ended(was, now) {
		// What is over does not come back: the next link is another.
		if err := tx.DeleteSharedLink(row.ID); err != nil {
			return "", err
		}
		fresh = true
	}
	l := was
	if fresh {
		l = meta.SharedLink{Item: row.ID, Token: s.linkToken(), Access: content.LinkOpen, Download: true, CreatedAt: now, CreatedBy: who.User}
	}
	if err := set.apply(&l, row.Kind, now, hashed); err != nil {
		return "", err
	}
	switch {
	case fresh:
		row.Linked = true
		return content.ItemSharedCreate, tx.InsertSharedLink(l)
	case l == was:
		return "", nil
	}
	return content.ItemShared, tx.UpdateSharedLink(l)
}

func (set LinkSettings) apply(l *meta.SharedLink, kind Kind, now time.Time, hashed string) error {
	if set.Access != nil {
		l.Access = *set.Access
	}
	if set.Password != nil {
		l.PasswordHash = hashed
	}
	if l.Access != content.LinkOpen {
		if hashed != "" {
			return content.Errorf(content.BadRequest, "shared_link.password can be set only if access is open")
		}
		l.PasswordHash = ""
	}
	if set.UnsharedAt != nil {
		if !set.UnsharedAt.IsZero() && !set.UnsharedAt.After(now) {
			return content.Errorf(content.BadRequest, "shared_link.unshared_at must be later than now")
		}
		l.UnsharedAt = set.UnsharedAt.UTC().Truncate(time.Microsecond)
	}
	if set.Vanity != nil {
		l.Vanity, l.VanityKey = *set.Vanity, content.VanityKey(*set.Vanity)
	}
	if set.Download != nil {
		l.Download = *set.Download
		if !l.Download && set.Edit == nil {
			l.Edit = false
		}
	}
	if set.Edit != nil {
		l.Edit = *set.Edit
	}
	switch {
	case l.Edit && kind != meta.File:
		return content.Errorf(content.BadRequest, "shared_link.permissions.can_edit can be true for files only")
	case l.Edit && !l.Download:
		return content.Errorf(content.BadRequest, "shared_link.permissions.can_edit can be true only if can_download is")
	case l.Access == content.LinkCollaborators && (set.Edit != nil && *set.Edit || set.Download != nil && *set.Download):
		return content.Errorf(content.BadRequest, "shared_link.permissions can be set only if access is open or company")
	}
	return nil
}

// linkToken is 128 random bits in the letters and digits that need no escape.
func (s *Service) linkToken() string {
	var b [16]byte
	s.Random(b[:])
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

func ended(l meta.SharedLink, now time.Time) bool {
	return !l.UnsharedAt.IsZero() && !now.Before(l.UnsharedAt)
}

// sharedLink makes the noun of a row.
func sharedLink(l meta.SharedLink) content.SharedLink {
	out := content.SharedLink{
		Item: l.Item, Token: l.Token, Vanity: l.Vanity, Access: l.Access, Password: l.PasswordHash != "", UnsharedAt: l.UnsharedAt,
		Download: l.Download, Edit: l.Edit, Downloads: l.Downloads, Previews: l.Previews, Stamp: stamp(l),
	}
	if l.Access == content.LinkCollaborators {
		// It gives nothing beyond what they may anyway.
		out.Download, out.Edit = false, false
	}
	return out
}

// stamp is another once the link or its password is another.
func stamp(l meta.SharedLink) uint64 {
	sum := sha256.Sum256([]byte(l.Token + "\x00" + l.PasswordHash))
	return max(1, binary.BigEndian.Uint64(sum[:])) // 0 is for none
}

// linkOf is the link of an item, nil if it has none that is good.
func (a *assembler) linkOf(n *content.Node) (*content.SharedLink, error) {
	if !n.Linked || n.Status != content.Active {
		return nil, nil
	}
	row, err := a.tx.SharedLink(n.ID)
	if content.Is(err, content.NotFound) || err == nil && ended(row, a.now) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l := sharedLink(row)
	return &l, nil
}

// LinkName is how somebody names a shared link.
type LinkName struct{ Token, Vanity string }

// ParseLink reads a shared link's URL.
func ParseLink(url string) (LinkName, error) {
	token, vanity, ok := content.ParseLinkURL(url)
	if !ok {
		return LinkName{}, errNoLink
	}
	return LinkName{Token: token, Vanity: vanity}, nil
}

var errNoLink = content.Errorf(content.NotFound, "there is no such shared link, or it is over")

// LinkKey is what opens a link that has a password: the password itself, or
// that Has says that it was given before, for the link with that Stamp.
type LinkKey struct {
	Password string
	By       content.ID                    // who comes with the password; 0: nobody that is known
	Has      func(content.SharedLink) bool // nil: no
}

// Opened is a shared link with its item, for somebody who may use it.
type Opened struct {
	Link content.SharedLink
	Item content.Item
}

// OpenLink gives a shared link and its item to somebody who may use it; nobody
// in particular is the zero principal. The errors are content.NotFound, content.AccessDenied for
// a link that is not for everybody, content.LinkPassword, and content.RateLimited
// after too many wrong passwords. The owner needs no password.
func (s *Service) OpenLink(ctx context.Context, who content.Principal, name LinkName, key LinkKey) (o *Opened, err error) {
	var row meta.SharedLink
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		row, o, err = s.findLink(tx, name)
		if err != nil {
			return err
		}
		return s.mayUse(tx, who, row, o.Item)
	})
	if err != nil {
		return nil, err
	}
	if owns(who, o.Item) || row.PasswordHash == "" || key.Has != nil && key.Has(o.Link) {
		return o, nil
	}
	if err := s.links.check(ctx, s, row, key); err != nil {
		return nil, err
	}
	return o, nil
}

func owns(who content.Principal, item content.Item) bool {
	return who.User != 0 && content.NodeOf(item).OwnedBy.ID == who.User
}

// findLink is a link that is good, whoever asks.
func (s *Service) findLink(tx meta.Tx, name LinkName) (row meta.SharedLink, o *Opened, err error) {
	if name.Token != "" {
		row, err = tx.SharedLinkByToken(name.Token)
	} else {
		row, err = tx.SharedLinkByVanity(content.VanityKey(name.Vanity))
	}
	if content.Is(err, content.NotFound) {
		return row, nil, errNoLink
	}
	if err != nil {
		return row, nil, err
	}
	o, err = s.opened(tx, row)
	return row, o, err
}

func (s *Service) opened(tx meta.Tx, row meta.SharedLink) (*Opened, error) {
	if ended(row, s.Now()) {
		return nil, errNoLink
	}
	it, err := tx.Item(row.Item)
	if err != nil {
		return nil, err
	}
	item, err := s.assemble(tx, it)
	if err != nil {
		return nil, err
	}
	if content.NodeOf(item).Status != content.Active {
		return nil, errNoLink
	}
	return &Opened{Link: sharedLink(row), Item: item}, nil
}

// mayUse says whether a link is for the caller.
func (s *Service) mayUse(tx meta.Tx, who content.Principal, row meta.SharedLink, item content.Item) error {
	if row.Access == content.LinkOpen || owns(who, item) {
		return nil
	}
	if row.Access == content.LinkCompany && who.User != 0 {
		owner, err := tx.User(content.NodeOf(item).OwnedBy.ID)
		if err != nil {
			return err
		}
		user, err := tx.User(who.User)
		if err != nil {
			return err
		}
		if user.Enterprise.ID == owner.Enterprise.ID {
			return nil
		}
	}
	if row.Access == content.LinkCompany {
		return content.Errorf(content.AccessDenied, "this shared link is for people in the company of its owner")
	}
	return content.Errorf(content.AccessDenied, "this shared link is for people who were invited")
}

// ResolveLink finds out what a shared link gives to the caller; see OpenLink.
func (s *Service) ResolveLink(ctx context.Context, who content.Principal, url, password string) (content.LinkGrant, error) {
	name, err := ParseLink(url)
	if err != nil {
		return content.LinkGrant{}, err
	}
	o, err := s.OpenLink(ctx, who, name, LinkKey{Password: password, By: who.User})
	if err != nil {
		return content.LinkGrant{}, err
	}
	return o.Link.Grant(), nil
}

// ResolveOpenLink is what a shared link gives to nobody in particular, asked for
// by a user.
func (s *Service) ResolveOpenLink(ctx context.Context, by content.ID, url, password string) (content.LinkGrant, error) {
	name, err := ParseLink(url)
	if err != nil {
		return content.LinkGrant{}, err
	}
	o, err := s.OpenLink(ctx, content.Principal{}, name, LinkKey{Password: password, By: by})
	if err != nil {
		return content.LinkGrant{}, err
	}
	return o.Link.Grant(), nil
}

// LinkAgain gives what a shared link gives to somebody who came by it before:
// as long as the link with that stamp is still there, and for them.
func (s *Service) LinkAgain(ctx context.Context, who content.Principal, item content.ID, stamp uint64) (o *Opened, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		o, err = s.linkAgain(tx, who, item, stamp)
		return err
	})
	return o, err
}

func (s *Service) linkAgain(tx meta.Tx, who content.Principal, item content.ID, stamp uint64) (*Opened, error) {
	row, err := tx.SharedLink(item)
	if content.Is(err, content.NotFound) {
		return nil, errNoLink
	}
	if err != nil {
		return nil, err
	}
	o, err := s.opened(tx, row)
	if err != nil {
		return nil, err
	}
	if o.Link.Stamp != stamp {
		return nil, errNoLink
	}
	return o, s.mayUse(tx, who, row, o.Item)
}

// GoodLinks are those of the caller's links that are still good, as they are
// now. A token may have been exchanged for a link that has since been taken away.
func (s *Service) GoodLinks(ctx context.Context, who content.Principal) (good []content.LinkGrant, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		good = nil
		for _, g := range who.Links {
			o, err := s.linkAgain(tx, who, g.Item, g.Stamp)
			if content.Is(err, content.NotFound, content.AccessDenied) {
				continue
			}
			if err != nil {
				return err
			}
			good = append(good, o.Link.Grant())
		}
		return nil
	})
	return good, err
}

// LinkToken is the token of the link with a vanity name, whoever may use it.
func (s *Service) LinkToken(ctx context.Context, vanity string) (token string, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		row, _, err := s.findLink(tx, LinkName{Vanity: vanity})
		token = row.Token
		return err
	})
	return token, err
}

// ByLink gives the item of a link that the caller came with, in the trash not.
func (s *Service) ByLink(ctx context.Context, who content.Principal, g content.LinkGrant) (item content.Item, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		row, err := tx.Item(g.Item)
		if err != nil {
			return err
		}
		item, err = s.live(tx, who, g.Item, row.Kind, content.See)
		return err
	})
	return item, err
}

// EndLinks takes away the links whose time is over, and says how many.
func (s *Service) EndLinks(ctx context.Context) (n int, err error) {
	for {
		const batch = 100
		now := s.Now()
		var over []meta.SharedLink
		err := s.Meta.View(ctx, func(tx meta.Tx) error {
			over, err = tx.EndedLinks(now, batch)
			return err
		})
		if err != nil || len(over) == 0 {
			return n, err
		}
		for _, l := range over {
			if err := s.endLink(ctx, l.Item, now); err != nil {
				return n, err
			}
			n++
		}
	}
}

func (s *Service) endLink(ctx context.Context, id content.ID, now time.Time) error {
	return s.Meta.Update(ctx, func(tx meta.Tx) error {
		l, err := tx.SharedLink(id)
		if content.Is(err, content.NotFound) || err == nil && !ended(l, now) {
			return nil
		}
		row, err2 := tx.Item(id)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if err := tx.DeleteSharedLink(id); err != nil {
			return err
		}
		row.Linked = false
		row.Sequence++
		if err := tx.UpdateItem(row); err != nil {
			return err
		}
		return s.record(tx, content.Principal{User: row.Owner}, now, content.ItemSharedUnshare, row)
	})
}
