package auth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
)

// begin is a service after its first start, with a clock that stands still.
func begin(t testing.TB) (*auth.Service, *auth.Credentials) {
	t.Helper()
	return beginIn(t, t.TempDir())
}

// beginIn is begin with the database in a directory.
func beginIn(t testing.TB, dir string) (*auth.Service, *auth.Credentials) {
	t.Helper()
	rows, err := sqlite.Open(filepath.Join(dir, "meta.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rows.Close() })
	var id atomic.Int64
	now := time.Date(2031, 3, 2, 4, 5, 6, 0, time.UTC)
	s := &auth.Service{
		Meta: rows, Now: func() time.Time { return now }, Random: func(b []byte) { rand.Read(b) },
		NewID: func() content.ID { return content.ID(id.Add(1)) },
	}
	c, err := s.Start(t.Context(), func(auth.Credentials) error { return nil })
	if err != nil || c == nil {
		t.Fatalf("first start: %v", err)
	}
	return s, c
}

const accessType = "urn:ietf:params:oauth:token-type:access_token"

func TestASharedLinkBoundsAToken(t *testing.T) {
	s, c := begin(t)
	bob, err := s.CreateUser(t.Context(), "Bob", "bob@example.net", 0)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Issue(t.Context(), bob.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := s.User(t.Context(), content.Principal{User: c.Admin.ID, Enterprise: c.Enterprise.ID}, c.Admin.ID)
	if err != nil {
		t.Fatal(err)
	}
	req := auth.TokenRequest{
		GrantType: "urn:ietf:params:oauth:grant-type:token-exchange", SubjectToken: token, SubjectTokenType: accessType,
		Scope: "item_preview", SharedLink: "https://x.example/s/1", SharedLinkPassword: "pw",
	}
	if _, err := s.Token(t.Context(), req); err == nil {
		t.Error("without shared links one was taken")
	}
	grant := content.LinkGrant{Item: admin.Root, Preview: true}
	s.ResolveLink = func(_ context.Context, by content.ID, url, password string) (content.LinkGrant, error) {
		if by != bob.ID || url != req.SharedLink || password != "pw" {
			return content.LinkGrant{}, content.Errorf(content.LinkPassword, "the password is wrong")
		}
		return grant, nil
	}
	wrong := req
	wrong.SharedLinkPassword = ""
	if _, err := s.Token(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "invalid_request") {
		t.Errorf("a wrong password gives %v", err)
	}
	g, err := s.Token(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Authenticate(t.Context(), g.Access, "")
	if err != nil {
		t.Fatal(err)
	}
	if who.User != bob.ID || !who.Scoped || len(who.Links) != 1 || who.Links[0] != grant || len(who.Restrictions) != 1 || who.Restrictions[0].Item != admin.Root {
		t.Errorf("the token is %+v", who)
	}
}

// TestNothingIsKeptInClear looks for what people and programs were given in
// the bytes of the database.
func TestNothingIsKeptInClear(t *testing.T) {
	dir := t.TempDir()
	s, c := beginIn(t, dir)
	issued, err := s.Issue(t.Context(), c.Admin.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const text = "the configuration of an application"
	handout, err := s.HandOut(t.Context(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "meta.db*"))
	if err != nil {
		t.Fatal(err)
	}
	var kept []byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, b...)
	}
	if !bytes.Contains(kept, []byte(c.Admin.Login)) {
		t.Fatalf("what is in %q is not what the server keeps", files)
	}
	for _, secret := range []string{c.ClientSecret, c.DeveloperToken, c.Password, issued, handout, text} {
		if len(secret) < 16 {
			t.Errorf("%q is short", secret)
		}
		if bytes.Contains(kept, []byte(secret)) {
			t.Errorf("%q is in the database", secret)
		}
	}
	u, err := s.SignIn(t.Context(), c.Admin.Login, c.Password, "here")
	if err != nil || u.ID != c.Admin.ID {
		t.Fatalf("the first password gives %v, %v", u.ID, err)
	}
	err = s.Meta.View(t.Context(), func(tx meta.Tx) error {
		kept, err := tx.Password(c.Admin.ID)
		if !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(kept, c.Password) {
			t.Errorf("the password is kept as %q", kept)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, login := range []string{c.Admin.Login, "nobody@example.net"} {
		if _, err := s.SignIn(t.Context(), login, "wrong password", "here"); !content.Is(err, content.Unauthorized) {
			t.Errorf("%s with a wrong password: %v", login, err)
		}
	}
}

// TestWhoIsThereDoesNotShow counts the memory that a login takes: a password is
// hashed, which takes 19 MiB and nearly all of the time, whether or not there is
// anybody to compare it with.
func TestWhoIsThereDoesNotShow(t *testing.T) {
	s, c := begin(t)
	if _, err := s.CreateUser(t.Context(), "Bob", "bob@example.net", 0); err != nil { // has no password
		t.Fatal(err)
	}
	for _, login := range []string{c.Admin.Login, "bob@example.net", "nobody@example.net"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := s.SignIn(t.Context(), login, "wrong password", "here"); !content.Is(err, content.Unauthorized) {
			t.Errorf("%s: %v", login, err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took < 19<<20 || took > 2*19<<20 {
			t.Errorf("%s took %d bytes: want one password hashed", login, took)
		}
	}
}
