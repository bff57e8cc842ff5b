package tree_test

import (
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/blob/disk"
	"boxcar/internal/content"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
)

// A token that is good for previews gets them, and no download.
func TestContentsForPreview(t *testing.T) {
	rows, err := sqlite.Open(filepath.Join(t.TempDir(), "db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rows.Close() })
	blobs, err := disk.Open(faultfs.New())
	if err != nil {
		t.Fatal(err)
	}
	var last content.ID
	newID := func() content.ID { last++; return last }
	random := func(b []byte) { rand.Read(b) }
	a := &auth.Service{Meta: rows, Now: time.Now, NewID: newID, Random: random}
	c, err := a.Start(t.Context(), func(auth.Credentials) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	who, err := a.Authenticate(t.Context(), c.DeveloperToken, "")
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	s := &tree.Service{Meta: rows, Blobs: blobs, Now: time.Now, NewID: newID, Random: random, Log: quiet, MaxFileSize: 1 << 30}
	up := upload.New(upload.Config{Meta: rows, Blobs: blobs, Tree: s, Now: time.Now, NewID: newID, Random: random,
		Answer: func(error) (int, string, string) { return 0, "", "" }, Log: quiet})
	put := func(to tree.Target, data string) *content.File {
		to.Size = -1
		f, err := up.Simple(t.Context(), who, to, content.Preconditions{}, content.Attributes{}, nil, strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := put(tree.Target{Name: "a.png"}, "one")
	second := put(tree.Target{File: first.ID}, "two")
	other := put(tree.Target{Name: "b.png"}, "three")

	scoped := func(scope content.Scope, item content.ID) content.Principal {
		p := who
		p.Scoped, p.Restrictions = true, []content.Restriction{{Scope: scope, Item: item}}
		return p
	}
	linked := content.Principal{Links: []content.LinkGrant{{Item: first.ID, Preview: true}}}
	for _, row := range []struct {
		name    string
		who     content.Principal
		version content.ID
		want    content.Kind // Internal: it may
	}{
		{"the owner", who, 0, content.Internal},
		{"the current version by its id", who, second.Version.ID, content.Internal},
		{"a past version", who, first.Version.ID, content.Internal},
		{"another file's version", who, other.Version.ID, content.NotFound},
		{"no version", who, 1 << 40, content.NotFound},
		{"a token for previews", scoped(content.ScopeBasePreview, 0), 0, content.Internal},
		{"a token for previews of this file", scoped(content.ScopeItemPreview, first.ID), 0, content.Internal},
		{"a token for previews of another file", scoped(content.ScopeItemPreview, other.ID), 0, content.InsufficientScope},
		{"a token for uploads", scoped(content.ScopeBaseUpload, 0), 0, content.InsufficientScope},
		{"a link that shows previews", linked, 0, content.Internal},
		{"a link that shows names", content.Principal{Links: []content.LinkGrant{{Item: first.ID}}}, 0, content.AccessDenied},
		{"somebody else", content.Principal{User: 1 << 41}, 0, content.NotFound},
	} {
		f, v, err := s.Contents(t.Context(), row.who, content.Preview, first.ID, row.version)
		if row.want != content.Internal {
			if !content.Is(err, row.want) {
				t.Errorf("%s: %v, want kind %d", row.name, err, row.want)
			}
			continue
		}
		want := row.version
		if want == 0 {
			want = second.Version.ID
		}
		if err != nil || f.ID != first.ID || v.ID != want {
			t.Errorf("%s: %v; version %v, want %v", row.name, err, v.ID, want)
		}
	}
	if _, _, err := s.Contents(t.Context(), scoped(content.ScopeBasePreview, 0), content.Download, first.ID, 0); !content.Is(err, content.InsufficientScope) {
		t.Errorf("a token for previews downloads: %v", err)
	}
}
