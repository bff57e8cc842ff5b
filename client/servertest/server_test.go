package servertest

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/boxapi"
	"boxcar/client"
	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// The client against a real server.

const partSize = 64 << 10

func start(t testing.TB) *daemontest.Server {
	return daemontest.Start(t, func(c *daemon.Config) {
		c.PartSize = partSize
		c.MinChunkedSize = new(int64)
	})
}

func clientOf(t testing.TB, s *daemontest.Server) *client.Client {
	t.Helper()
	return newClient(t, client.Config{URLs: client.At(s.URL), Tokens: client.StaticToken(s.Token)})
}

func newClient(t testing.TB, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// content is n bytes of a kind.
func content(n int, kind byte) []byte {
	b := make([]byte, n)
	x := uint64(kind) + 1
	for i := range b {
		x = x*6364136223846793005 + 1442695040888963407
		b[i] = byte(x >> 56)
	}
	return b
}

func reader(b []byte) *client.Source {
	return client.FromReaderAt(bytes.NewReader(b), int64(len(b)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func downloaded(t testing.TB, c *client.Client, id, version string) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := c.DownloadTo(t.Context(), id, version, &b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUploadsAndDownloads(t *testing.T) {
	c := clientOf(t, start(t))
	modified := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for name, data := range map[string][]byte{
		"empty": nil, "small": content(1000, 1), "exact": content(4*partSize, 2), "one more": content(4*partSize+1, 3), "large": content(30*partSize+77, 4),
	} {
		for _, simple := range []bool{false, true} {
			u := client.Upload{Source: reader(data), Name: name, Description: "d & é", ContentModifiedAt: modified, ContentCreatedAt: modified, SimpleBelow: 1}
			if simple {
				u.Name, u.SimpleBelow = "simple "+name, 1<<40
			}
			res, err := c.Upload(t.Context(), u)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := downloaded(t, c, string(res.File.ID), ""); !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes came back", name, len(got))
			}
			file := must(c.GetFile(t.Context(), string(res.File.ID)))
			if file.Description != "d & é" || !file.ContentModifiedAt.Equal(modified) || !file.ContentCreatedAt.Equal(modified) || file.Name != u.Name {
				t.Errorf("%s: %+v", name, file)
			}

			path := filepath.Join(t.TempDir(), "copy")
			if _, err := c.Download(t.Context(), client.Download{FileID: string(file.ID), Path: path}); err != nil {
				t.Fatal(err)
			}
			if got := must(os.ReadFile(path)); !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes in the file", name, len(got))
			}
			if left := must(os.ReadDir(filepath.Dir(path))); len(left) != 1 {
				t.Errorf("%s: %d files are left", name, len(left))
			}
		}
	}
}

func TestVersionsWithAPlan(t *testing.T) {
	c := clientOf(t, start(t))
	data := content(20*partSize, 1)
	first := must(c.Upload(t.Context(), client.Upload{Source: reader(data), Name: "a", SimpleBelow: 1}))
	id := string(first.File.ID)
	changed := bytes.Clone(data)
	changed[7*partSize+5]++
	changed = append(changed, 1)
	var m client.Meter
	second := must(c.Upload(t.Context(), client.Upload{Source: reader(changed), Name: "a", OnConflict: client.NewVersion, Plan: true, SimpleBelow: 1, Progress: m.Event}))
	if string(second.File.ID) != id || second.Reused != 19*partSize {
		t.Errorf("file %s with %d bytes reused, want %s and %d", second.File.ID, second.Reused, id, 19*partSize)
	}
	if r := m.Read(); r.Moved != partSize+1 || r.Reused != 19*partSize || r.PartsDone != 21 {
		t.Errorf("meter: %+v", r)
	}
	if !bytes.Equal(downloaded(t, c, id, ""), changed) {
		t.Error("the second version is not what was sent")
	}
	var old []string
	for v, err := range c.Versions(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		old = append(old, string(v.ID))
	}
	if !slices.Equal(old, []string{string(first.File.FileVersion.ID)}) || !bytes.Equal(downloaded(t, c, id, old[0]), data) {
		t.Errorf("past versions: %v", old)
	}
	_, err := c.Upload(t.Context(), client.Upload{Source: reader(data), FileID: id, IfMatch: "0", SimpleBelow: 1})
	if !client.IsPreconditionFailed(err) {
		t.Errorf("with a wrong etag: %v", err)
	}
	renamed := must(c.Upload(t.Context(), client.Upload{Source: reader(data), FileID: id, Name: "b", IfMatch: string(second.File.Etag), SimpleBelow: 1}))
	if renamed.File.Name != "b" {
		t.Errorf("the name is %q", renamed.File.Name)
	}
}

func TestFoldersAndItems(t *testing.T) {
	ctx := t.Context()
	c := clientOf(t, start(t))
	folder := must(c.EnsureFolder(ctx, "/a/b/c"))
	if again := must(c.EnsureFolder(ctx, "a//b/c/")); again.ID != folder.ID {
		t.Errorf("made twice: %s and %s", folder.ID, again.ID)
	}
	for i := range 3 {
		must(c.Upload(ctx, client.Upload{Source: reader(content(100, byte(i))), FolderID: string(folder.ID), Name: string(rune('x' + i))}))
	}
	var names []string
	for item, err := range c.Items(ctx, string(folder.ID)) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, client.NameOf(item))
	}
	if !slices.Equal(names, []string{"x", "y", "z"}) {
		t.Errorf("items: %v", names)
	}
	item := must(c.Lookup(ctx, "/a/B/c/Y"))
	if _, err := c.EnsureFolder(ctx, "/a/b/c/y/d"); !errors.Is(err, client.ErrNameInUse) {
		t.Errorf("a folder below a file: %v", err)
	}
	if _, err := c.Lookup(ctx, "/a/nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	id := client.IDOf(item)
	if moved := must(c.MoveFile(ctx, id, "0", "moved")); moved.Name != "moved" || moved.Parent.ID != "0" {
		t.Errorf("%+v", moved)
	}
	if copied := must(c.CopyFile(ctx, id, string(folder.ID), "")); copied.Name != "moved" || string(copied.ID) == id {
		t.Errorf("%+v", copied)
	}
	if copied := must(c.CopyFolder(ctx, string(folder.ID), "0", "copy")); copied.Name != "copy" {
		t.Errorf("%+v", copied)
	}
	_, err := c.MoveFile(ctx, id, string(folder.ID), "")
	var refused *client.Error
	if !errors.As(err, &refused) || !errors.Is(err, client.ErrNameInUse) || client.NameOf(refused.Conflict()) != "moved" || refused.RequestID == "" {
		t.Errorf("%v", err)
	}
	if moved := must(c.MoveFolder(ctx, string(folder.ID), "", "renamed")); moved.Name != "renamed" {
		t.Errorf("%+v", moved)
	}
	if err := c.DeleteFolder(ctx, string(folder.ID), false, ""); !client.HasCode(err, boxapi.CodeFolderNotEmpty) {
		t.Errorf("%v", err)
	}
	if err := c.DeleteFolder(ctx, string(folder.ID), true, ""); err != nil {
		t.Error(err)
	}
	if err := c.DeleteFile(ctx, id, "99"); !client.IsPreconditionFailed(err) {
		t.Errorf("%v", err)
	}

	link := must(c.ShareFile(ctx, id, boxapi.UpdateSharedLink{}))
	if link.URL == "" || link.Access != "open" {
		t.Errorf("%+v", link)
	}
	if err := c.UnshareFile(ctx, id); err != nil || must(c.GetFile(ctx, id)).SharedLink != nil {
		t.Errorf("the link is left, %v", err)
	}
	top := must(c.CreateFolder(ctx, "0", "shared"))
	if link := must(c.ShareFolder(ctx, string(top.ID), boxapi.UpdateSharedLink{})); link.URL == "" {
		t.Errorf("%+v", link)
	}
	if err := c.UnshareFolder(ctx, string(top.ID)); err != nil || must(c.GetFolder(ctx, string(top.ID))).SharedLink != nil {
		t.Errorf("the link is left, %v", err)
	}

	found := 0
	for item, err := range c.Search(ctx, "moved", client.SearchOptions{Type: "file"}) {
		if err != nil || client.NameOf(item) != "moved" {
			t.Fatal(client.NameOf(item), err)
		}
		found++
	}
	if found != 2 { // the file, and its copy in the copied folder
		t.Errorf("%d found", found)
	}
	if err := c.DeleteFile(ctx, id, ""); err != nil {
		t.Error(err)
	}
	if _, err := c.GetFolder(ctx, "12345"); !client.IsNotFound(err) {
		t.Errorf("%v", err)
	}
	if me := must(c.Me(ctx, "login", "role")); me.Role != "admin" || me.Login == "" {
		t.Errorf("%+v", me)
	}
}

func TestSessionCalls(t *testing.T) {
	ctx := t.Context()
	c := clientOf(t, start(t))
	data := content(3*partSize, 1)
	s := must(c.CreateSession(ctx, "0", "a", int64(len(data))))
	var parts []boxapi.Part
	for i := range 3 {
		at := int64(i) * s.PartSize
		chunk := data[at : at+s.PartSize]
		for range 2 { // a part that is sent twice is the same part
			part := must(c.PutPart(ctx, s.ID, at, s.PartSize, int64(len(data)), sha1.Sum(chunk), bytes.NewReader(chunk)))
			if len(parts) > i && parts[i] != part {
				t.Errorf("%v and %v", parts[i], part)
			}
			parts = append(parts[:i], part)
		}
	}
	var listed []boxapi.Part
	for p, err := range c.Parts(ctx, s.ID) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, p)
	}
	if !slices.Equal(parts, listed) {
		t.Errorf("parts %v, want %v", listed, parts)
	}
	if now := must(c.Session(ctx, s.ID)); now.NumPartsProcessed != 3 {
		t.Errorf("%+v", now)
	}
	if err := c.LogEvent(ctx, s.ID, "part_failure", `{"a":1}`); err != nil {
		t.Error(err)
	}
	file := must(c.Commit(ctx, s.ID, sha1.Sum(data), parts, boxapi.Attributes{}, ""))
	if again := must(c.Commit(ctx, s.ID, sha1.Sum(data), parts, boxapi.Attributes{}, "")); again.ID != file.ID {
		t.Errorf("a second file %s", again.ID)
	}
	if log := must(c.SessionLog(ctx, s.ID)); len(log.Entries) < 5 {
		t.Errorf("%d entries in the log", len(log.Entries))
	}
	if err := c.Abort(ctx, s.ID); err != nil {
		t.Error(err)
	}

	v := must(c.CreateVersionSession(ctx, string(file.ID), "", int64(len(data))))
	for range 2 {
		if err := c.Abort(ctx, v.ID); err != nil {
			t.Error(err)
		}
	}
	_, err := c.Commit(ctx, v.ID, sha1.Sum(data), parts, boxapi.Attributes{}, "")
	if !client.IsNotFound(err) {
		t.Errorf("%v", err)
	}
}

// A download that is cut off goes on with what it has; one that was damaged
// meanwhile begins again.
func TestADownloadGoesOn(t *testing.T) {
	s := start(t)
	c := clientOf(t, s)
	data := content(40<<20, 1)
	file := must(c.Upload(t.Context(), client.Upload{Source: reader(data), Name: "a", SimpleBelow: 1 << 40})).File
	for _, damaged := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "a")
		ctx, cancel := context.WithCancel(t.Context())
		pieces := 0
		_, err := c.Download(ctx, client.Download{FileID: string(file.ID), Path: path, MaxParallel: 1, Progress: func(e client.Event) {
			if e.Kind == client.PartDone {
				if pieces++; pieces == 3 {
					cancel()
				}
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal("half a file has its name")
		}
		if damaged {
			f := must(os.OpenFile(filepath.Join(filepath.Dir(path), ".a.boxcar-part"), os.O_WRONLY, 0))
			must(f.WriteAt([]byte("damage"), 100))
			f.Close()
		}
		var m client.Meter
		if _, err := c.Download(t.Context(), client.Download{FileID: string(file.ID), Path: path, Progress: m.Event}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(must(os.ReadFile(path)), data) {
			t.Error("the file is not what was sent")
		}
		r := m.Read()
		if !damaged && (r.Reused < 3*8<<20 || r.Moved > 2*8<<20) || damaged != (r.Restarts == 1) {
			t.Errorf("damaged %v: %+v", damaged, r)
		}
	}
}

func TestGrants(t *testing.T) {
	ctx := t.Context()
	s := start(t)
	urls := client.At(s.URL)
	app := client.App{URLs: urls, ClientID: s.Credentials.ClientID, ClientSecret: s.Credentials.ClientSecret}
	enterprise := s.Credentials.Enterprise.ID.String()

	who := func(tokens client.TokenSource, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		me, err := newClient(t, client.Config{URLs: urls, Tokens: tokens}).Me(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return string(me.ID)
	}
	service := who(client.ClientCredentials(app, client.Subject{Type: "enterprise", ID: enterprise}))

	made := must(s.Auth.Configure(ctx, app.ClientID, app.ClientSecret))
	text := must(json.Marshal(boxapi.AppConfig{
		BoxAppSettings: boxapi.BoxAppSettings{
			ClientID: made.ClientID, ClientSecret: made.ClientSecret,
			AppAuth: boxapi.AppAuth{PublicKeyID: made.KeyID, PrivateKey: made.PrivateKey, Passphrase: made.Passphrase},
		},
		EnterpriseID: boxapi.ID(enterprise),
	}))
	config := must(client.ParseAppConfig(text))
	if id := who(config.Tokens(urls, client.Subject{}, nil)); id != service {
		t.Errorf("an assertion is for user %s, and client credentials for %s", id, service)
	}
	admin := s.Credentials.Admin.ID.String()
	if id := who(config.Tokens(urls, client.Subject{Type: "user", ID: admin}, nil)); id != admin {
		t.Errorf("user %s, want %s", id, admin)
	}
	wrong := app
	wrong.ClientSecret = "wrong"
	tokens := must(client.ClientCredentials(wrong, client.Subject{Type: "enterprise", ID: enterprise}))
	_, err := newClient(t, client.Config{URLs: urls, Tokens: tokens}).Me(ctx)
	var refused *client.AuthError
	if !errors.As(err, &refused) || !errors.Is(err, client.ErrUnauthorized) || refused.Code != "invalid_client" {
		t.Errorf("%v", err)
	}

	// A login in a browser, tokens in a file, and a refresh when they are over.
	profiles := client.Profiles{Dir: filepath.Join(t.TempDir(), "config")}
	err = profiles.Put("here", client.Profile{Server: s.URL, Auth: client.AuthLogin, ClientID: app.ClientID, ClientSecret: app.ClientSecret}, false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Login{App: app, Open: func(page string) error {
		go browse(t, page, s.Credentials.Admin.Login, s.Credentials.Password, "allow")
		return nil
	}}.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	store := profiles.Tokens("here")
	must(store.Update(ctx, func(client.Tokens) (client.Tokens, error) { return got, nil }))
	for range 2 {
		cfg := must(profiles.Config("", nil))
		me, err := newClient(t, cfg).Me(ctx)
		if err != nil || string(me.ID) != admin {
			t.Fatalf("user %v, %v", me, err)
		}
		s.Clock.Add(2 * time.Hour) // the access token is over, which only the server knows
	}
	now := must(store.Update(ctx, func(t client.Tokens) (client.Tokens, error) { return t, nil }))
	if now.Refresh == got.Refresh || now.Access == got.Access {
		t.Error("the tokens were not refreshed")
	}
	_, err = client.Login{App: app, Open: func(page string) error {
		go browse(t, page, s.Credentials.Admin.Login, s.Credentials.Password, "deny")
		return nil
	}}.Run(ctx)
	if !errors.As(err, &refused) || refused.Code != "access_denied" {
		t.Errorf("%v", err)
	}
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// browse is a person with a browser at the login page.
func browse(t *testing.T, page, login, password, answer string) {
	jar, _ := cookiejar.New(nil)
	hc := &http.Client{Jar: jar}
	base := must(url.Parse(page))
	step := func(resp *http.Response, err error) (form url.Values) {
		if err != nil {
			t.Error(err)
			return nil
		}
		defer resp.Body.Close()
		text := must(io.ReadAll(resp.Body))
		form = url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(string(text), -1) {
			form.Set(m[1], strings.ReplaceAll(strings.ReplaceAll(m[2], "&#43;", "+"), "&amp;", "&"))
		}
		return form
	}
	action := base.Scheme + "://" + base.Host + base.Path
	form := step(hc.Get(page))
	form.Set("login", login)
	form.Set("password", password)
	form = step(hc.PostForm(action, form))
	form.Set("answer", answer)
	step(hc.PostForm(action, form))
}

// The digest of what was downloaded is compared, whatever the server sends.
func TestADownloadIsVerified(t *testing.T) {
	s := start(t)
	data := content(100_000, 1)
	file := must(clientOf(t, s).Upload(t.Context(), client.Upload{Source: reader(data), Name: "a"})).File
	lying := newClient(t, client.Config{URLs: client.At(s.URL), Tokens: client.StaticToken(s.Token), HTTP: &http.Client{Transport: flipping{}}})
	path := filepath.Join(t.TempDir(), "a")
	_, err := lying.Download(t.Context(), client.Download{FileID: string(file.ID), Path: path})
	if !errors.Is(err, client.ErrCorrupt) {
		t.Errorf("%v", err)
	}
	if left := must(os.ReadDir(filepath.Dir(path))); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
	if _, err := lying.DownloadTo(t.Context(), string(file.ID), "", io.Discard, nil); !errors.Is(err, client.ErrCorrupt) {
		t.Errorf("%v", err)
	}
	if same, err := reader(data).SameContent(t.Context(), file.Size, file.SHA1); !same || err != nil {
		t.Errorf("the source is not what was uploaded, %v", err)
	}
	if _, err := hex.DecodeString(file.SHA1); err != nil {
		t.Error(err)
	}
}

// flipping changes a byte of contents.
type flipping struct{}

func (flipping) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/content/") && r.Header.Get("Authorization") != "" {
		return nil, errors.New("a token went to a content URL")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && strings.HasPrefix(r.URL.Path, "/content/") {
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if len(b) > 0 {
			b[len(b)/2] ^= 1
		}
		resp.Body = io.NopCloser(bytes.NewReader(b))
	}
	return resp, err
}
