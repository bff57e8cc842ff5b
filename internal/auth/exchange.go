package auth

import (
	"context"
	"errors"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// RestrictedTo is one of the things that an exchanged token may do.
type RestrictedTo struct {
	Scope content.Scope
	Item  *RestrictedItem // nil: on all items
}

// RestrictedItem is the file or folder that a restriction is about.
type RestrictedItem struct {
	Folder, Root bool
	ID           content.ID
	Name         string
	Sequence     int64
}

const tokenTypeAccess = "urn:ietf:params:oauth:token-type:access_token"

// exchange makes a token that may do less than the one it is made of, and that
// goes when that one goes.
func (s *Service) exchange(ctx context.Context, req TokenRequest) (t Tokens, err error) {
	if req.SubjectToken == "" {
		return t, refuse(InvalidRequest, "subject_token is missing")
	}
	if req.SubjectTokenType != tokenTypeAccess {
		return t, refuse(InvalidRequest, "subject_token_type must be "+tokenTypeAccess)
	}
	scopes, err := parseScopes(req.Scope)
	if err != nil {
		return t, err
	}
	if len(scopes) == 0 {
		return t, refuse(InvalidScope, "scope is missing")
	}
	actor, err := actorName(req.ActorToken, req.ActorTokenType)
	if err != nil {
		return t, err
	}
	link, err := s.exchangeLink(ctx, req)
	if err != nil {
		return t, err
	}
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		if req.HasClient {
			if _, err := s.client(tx, req.ClientID, req.ClientSecret); err != nil {
				return err
			}
		}
		h := hash(req.SubjectToken)
		who, until, err := s.bearer(tx, h)
		if content.Is(err, content.Unauthorized, content.TokenExpired) {
			return errSubjectToken
		}
		if err != nil {
			return err
		}
		if req.HasClient && who.App != "" && who.App != req.ClientID {
			return refuse(InvalidGrant, "The subject_token belongs to another application")
		}
		if err := content.AllowRight(who, content.ExchangeToken); err != nil {
			return refuse(InvalidGrant, "The subject_token can't be exchanged")
		}
		d := detail{Scoped: true, Links: who.Links, ActorName: actor}
		if link != nil {
			d.Links = append(d.Links[:len(d.Links):len(d.Links)], *link)
		}
		item, err := s.exchangeItem(tx, who, req, link)
		if err != nil {
			return err
		}
		t = Tokens{Access: s.text(16), Life: accessLife, Exchanged: true, User: who.User, App: who.App}
		for _, scope := range scopes {
			r := content.Restriction{Scope: scope}
			if item != nil {
				r.Item, r.Kind = item.ID, itemKind(item)
			}
			if who.Scoped {
				if r, err = s.narrow(tx, who, r); err != nil {
					return err
				}
			}
			d.Restrictions = append(d.Restrictions, r)
			to := RestrictedTo{Scope: scope}
			if r.Item != 0 {
				if item == nil || item.ID != r.Item {
					if to.Item, err = restrictedItem(tx, r.Item); err != nil {
						return err
					}
				} else {
					to.Item = item
				}
			}
			t.RestrictedTo = append(t.RestrictedTo, to)
		}
		now := s.Now()
		row := meta.Token{
			Hash: hash(t.Access), Kind: meta.ExchangedToken, User: who.User, App: who.App, Detail: d.String(),
			CreatedAt: now, ExpiresAt: now.Add(accessLife),
		}
		if !until.IsZero() && until.Before(row.ExpiresAt) {
			row.ExpiresAt = until
			t.Life = until.Sub(now).Truncate(time.Second)
		}
		if _, err := tx.Token(h); err == nil { // the operator's own token has no row
			row.Parent = h
		} else if !content.Is(err, content.NotFound) {
			return err
		}
		return tx.InsertToken(row)
	})
	if err != nil {
		return Tokens{}, err
	}
	return t, nil
}

// parseScopes reads a list of scopes. Some clients separate them by commas.
func parseScopes(text string) (scopes []content.Scope, err error) {
	seen := map[content.Scope]bool{}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		scope := content.Scope(word)
		if !scope.Known() {
			return nil, refuse(InvalidScope, "There is no such scope as one of those asked for")
		}
		if !seen[scope] {
			seen[scope] = true
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}

// exchangeLink is what the shared link of a request gives; nil if it names none.
// A password may have to be hashed for that, which is for outside of a transaction;
// a link that ends before the token is made gives nothing to whoever comes with it.
func (s *Service) exchangeLink(ctx context.Context, req TokenRequest) (*content.LinkGrant, error) {
	if req.SharedLink == "" {
		return nil, nil
	}
	if req.Resource != "" {
		return nil, refuse(InvalidRequest, "resource and box_shared_link exclude each other")
	}
	if s.ResolveLink == nil {
		return nil, refuse(InvalidRequest, "This server has no shared links")
	}
	who, err := s.Authenticate(ctx, req.SubjectToken, "")
	if content.Is(err, content.Unauthorized, content.TokenExpired) {
		return nil, errSubjectToken
	}
	if err != nil {
		return nil, err
	}
	grant, err := s.ResolveLink(ctx, who.User, req.SharedLink, req.SharedLinkPassword)
	var e *content.Error
	switch {
	case content.Is(err, content.RateLimited, content.Unavailable):
		return nil, err
	case errors.As(err, &e) && e.Kind != content.Internal:
		return nil, refuse(InvalidRequest, "The box_shared_link can't be used: "+e.Message)
	case err != nil:
		return nil, err
	}
	return &grant, nil
}

var errSubjectToken = refuse(InvalidGrant, "The subject_token is invalid")

// exchangeItem is the item that a token is to be restricted to, by its own URL
// or by a shared link; nil for none.
func (s *Service) exchangeItem(tx meta.Tx, who content.Principal, req TokenRequest, link *content.LinkGrant) (*RestrictedItem, error) {
	if link != nil {
		return restrictedItem(tx, link.Item)
	}
	if req.Resource == "" {
		return nil, nil
	}
	noResource := refuse(InvalidRequest, "The resource is not a file or folder of this server that the subject_token may see")
	folder, id, ok := parseResource(req.Resource, req.Origins)
	if !ok {
		return nil, noResource
	}
	if id == 0 {
		id = who.Root
	}
	item, err := visibleItem(tx, who, id)
	if content.Is(err, content.NotFound) || err == nil && item.Folder != folder {
		return nil, noResource
	}
	return item, err
}

// parseResource reads https://api.box.com/2.0/files/1, the same with an origin of
// this server, or /2.0/files/1, or files/1.
func parseResource(text string, origins []string) (folder bool, id content.ID, ok bool) {
	for _, origin := range append([]string{"https://api.box.com"}, origins...) {
		if rest, found := strings.CutPrefix(text, origin+"/"); found {
			text = rest
			break
		}
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "/"), "/")
	text = strings.TrimPrefix(text, "api/")
	text = strings.TrimPrefix(text, "2.0/")
	kind, number, _ := strings.Cut(text, "/")
	id, err := content.ParseID(number)
	switch {
	case err != nil:
		return false, 0, false
	case kind == "folders":
		return true, id, true
	}
	return false, id, kind == "files" && id != 0
}

// visibleItem is an item that the caller may see and that is not in the trash.
func visibleItem(tx meta.Tx, who content.Principal, id content.ID) (*RestrictedItem, error) {
	row, err := tx.Item(id)
	if err != nil {
		return nil, err
	}
	above, err := tx.Ancestors(id)
	if err != nil {
		return nil, err
	}
	node := content.Node{ID: row.ID, OwnedBy: content.Person{ID: row.Owner}}
	gone := !row.TrashedAt.IsZero() || row.Limbo != meta.NoLimbo
	for _, a := range above {
		gone = gone || !a.TrashedAt.IsZero() || a.Limbo != meta.NoLimbo
		node.Path = append(node.Path, content.Folder{Node: content.Node{ID: a.ID}})
	}
	if gone || !content.May(who, content.See, &content.Folder{Node: node}) {
		return nil, content.Errorf(content.NotFound, "there is no item %s, or you may not see it", id)
	}
	return restricted(row), nil
}

func restrictedItem(tx meta.Tx, id content.ID) (*RestrictedItem, error) {
	row, err := tx.Item(id)
	return restricted(row), err
}

func restricted(row meta.Item) *RestrictedItem {
	return &RestrictedItem{Folder: row.Kind == meta.Folder, Root: row.Parent == 0, ID: row.ID, Name: row.Name, Sequence: row.Sequence}
}

func itemKind(item *RestrictedItem) string {
	if item.Folder {
		return "folder"
	}
	return "file"
}

// narrow makes what is asked for no more than what a token has that is narrow
// already.
func (s *Service) narrow(tx meta.Tx, who content.Principal, want content.Restriction) (content.Restriction, error) {
	for _, has := range who.Restrictions {
		if !want.Scope.Within(has.Scope) {
			continue
		}
		if has.Item == 0 {
			return want, nil
		}
		if want.Item == 0 {
			want.Item, want.Kind = has.Item, has.Kind
			return want, nil
		}
		in := want.Item == has.Item
		above, err := tx.Ancestors(want.Item)
		if err != nil {
			return want, err
		}
		for _, a := range above {
			in = in || a.ID == has.Item
		}
		if in {
			return want, nil
		}
	}
	return want, refuse(InvalidScope, "The subject_token may not do that itself")
}
