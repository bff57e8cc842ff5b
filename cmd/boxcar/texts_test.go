package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-runewidth"

	"boxcar/client"
)

func TestRemoteID(t *testing.T) {
	for name, want := range map[string]string{
		"/a/b": "", "a": "", "/123": "", "123": "123", "id:123": "123", "id:": "", "12x": "", "id:12x": "12x", "0": "0",
	} {
		id, ok := remoteID(name)
		if id != want || ok != (want != "" || strings.HasPrefix(name, "id:")) {
			t.Errorf("%q: %q, %v", name, id, ok)
		}
	}
}

// A server must not choose where files go.
func TestLocalName(t *testing.T) {
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/etc/passwd", "a\x00b"} {
		if got, err := localName(name); err == nil {
			t.Errorf("%q becomes %q", name, got)
		}
	}
	for _, name := range []string{"a", "...", ".hidden", "a b", "ä"} {
		if got, err := localName(name); err != nil || got != name {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func TestExpiry(t *testing.T) {
	now := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"12h": now.Add(12 * time.Hour), "30d": now.Add(30 * 24 * time.Hour),
		"2031-12-24": time.Date(2031, 12, 24, 0, 0, 0, 0, time.UTC),
	} {
		var e expiry
		if err := e.UnmarshalText([]byte(text)); err != nil || !e.given() || !e.from(now).Equal(want) {
			t.Errorf("%s: %v, %v", text, e.from(now), err)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "0d", "-3d", "1.5d", "2031-13-01", "999999999d"} {
		var e expiry
		if err := e.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestPartMap(t *testing.T) {
	parts := func(s string) (arrived []bool) {
		for _, c := range s {
			arrived = append(arrived, c == '#')
		}
		return arrived
	}
	for _, c := range []struct {
		parts, want string
		most        int
	}{
		{"##.#", "##.#", 4}, {"##.#", "##.#", 99}, {"##.#..", "#+.", 3}, {"##.#.", "#+.", 4}, {"", "", 4},
	} {
		if got := partMap(parts(c.parts), c.most); got != c.want {
			t.Errorf("%s in %d: %s, want %s", c.parts, c.most, got, c.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"short", "short     "}, {"exactly ten", "exac…y ten"}, {"scans/2031/survey.laz", "scan…y.laz"},
		{"日本語の長い名前です", "日本…前です"}, {"", "          "},
	} {
		got := fit(c.in, 10)
		if runewidth.StringWidth(got) != 10 || runewidth.StringWidth(c.want) == 10 && got != c.want {
			t.Errorf("%q: %q of %d columns, want %q", c.in, got, runewidth.StringWidth(got), c.want)
		}
	}
}

func TestTexts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		400 * time.Millisecond: "0.4s", 12 * time.Second: "12s", 185 * time.Second: "3m05s", 130 * time.Minute: "2h10m",
		59*time.Minute + 59*time.Second + 900*time.Millisecond: "60m00s",
	} {
		if got := durationText(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
	for _, c := range []struct {
		bytes int64
		rate  float64
		want  string
	}{{1000, 100, "10s"}, {1000, 0, ""}, {0, 100, ""}, {1 << 60, 1, ""}} {
		if got := leftText(c.bytes, c.rate); got != c.want {
			t.Errorf("%d at %v: %q, want %q", c.bytes, c.rate, got, c.want)
		}
	}
	for _, evil := range []string{"a\x1b[2Jb\rc\u0085", "two\nlines", "two\u2028lines", "gpj.\u202eexe", "\u2066x", "\xff"} {
		if got := printable(evil); strings.ContainsAny(got, "\x1b\r\n\u0085\u2028\u202e\u2066") || !utf8.ValidString(got) {
			t.Errorf("%q steers a terminal", got)
		}
	}
	if name := "日本語 – naïve 👩‍🚀.laz"; printable(name) != name {
		t.Errorf("%q", printable(name))
	}
	if got := again([]string{"boxcar", "up", "it's", "--to", "/a b", "*"}); got != `boxcar up 'it'\''s' --to '/a b' '*'` {
		t.Error(got)
	}
}

// What stands beside a bar leaves room for the name on every screen that has bars.
func TestStatesFitTheScreen(t *testing.T) {
	for _, columns := range []int{narrowest, 47, 48, 80, 109, 110, 200} {
		room := columns - min(max(columns/4, 10), 40) - len(" [>] ")
		long := 0 // so that bars end below each other
		for _, doing := range []string{"", "committing", "taking in"} {
			got := stateText(columns, doing, 1023<<30, 1<<40, 1023<<20, 99, true)
			if long = max(long, runewidth.StringWidth(got)); long != runewidth.StringWidth(got) {
				t.Errorf("%d columns: %q is shorter than others", columns, got)
			}
			if width := runewidth.StringWidth(got); width > room {
				t.Errorf("%d columns: %q has %d, and there are %d", columns, got, width, room)
			}
			if !strings.HasPrefix(got, " 99%") || doing == "" && !strings.Contains(got, "MiB/s") || !strings.Contains(got, doing) {
				t.Errorf("%d columns: %q", columns, got)
			}
		}
	}
	if got := stateText(narrowest, "", 1<<20, 10<<20, 1<<20, 3, true); got != " 10%  1.0 MiB/s   9.0s" {
		t.Errorf("%q", got)
	}
}

func TestCalledAs(t *testing.T) {
	for arg, want := range map[string]string{
		"boxcar": "boxcar", "./bin/boxcar": "./bin/boxcar", "/tmp/go-build123/b001/exe/boxcar": "boxcar",
	} {
		if got := calledAs(arg); got != want {
			t.Errorf("%s: %s, want %s", arg, got, want)
		}
	}
}

func TestTold(t *testing.T) {
	refused := &client.Error{Op: "DELETE /folders/1", Status: 400, Code: "folder_not_empty", Message: "the folder has 2 items", RequestID: "r1"}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("/q: %w", refused), "/q: the folder has 2 items (400 folder_not_empty, request r1)"},
		{&client.Error{Op: "POST /folders", Code: "item_name_invalid", Message: "the name is not UTF-8"}, "the name is not UTF-8 (item_name_invalid)"},
		{&client.Error{Op: "GET /x", Status: 502, Message: "bad gateway"}, "GET /x: 502: bad gateway"},
		{&client.UploadError{SessionID: "A", Parts: 3, PartsDone: 1, Err: refused}, "stopped after 1 of 3 parts: the folder has 2 items (400 folder_not_empty, request r1)"},
		{errors.Join(errors.New("one"), errors.New("two")), "one; two"},
		{fmt.Errorf("x: %w", &client.Error{Op: "GET /x", Status: 401}), "the server does not take the token (401)"},
	} {
		if got := told(c.err); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestHints(t *testing.T) {
	full := fmt.Errorf("put blob: %w", syscall.ENOSPC)
	for _, c := range []struct {
		err  error
		want string
	}{
		{full, "it goes on with what is there"},
		{restoreCmd{Data: "new data"}.advise(full), "remove 'new data' and restore again"},
		{&client.UploadError{Resumable: true, Err: full}, "it goes on with what is there"},
		{&client.UploadError{Resumable: true, Err: errors.New("x")}, "run the same command again; parts already received"},
		{&client.UploadError{Resumable: true, Err: client.ErrSourceChanged}, "--restart drops what was sent"},
		{client.ErrSourceChanged, "when nothing writes to the file"},
		{fmt.Errorf("x: %w", client.ErrUnauthorized), "boxcar login"},
		{&client.Error{Status: 403}, "boxcar whoami"},
		{&client.Error{Status: 429}, "a smaller --parallel"},
		{client.ErrCorrupt, "something between here and the server changes bytes"},
		{client.ErrTooLarge, "--spool"},
		{context.Canceled, ""},
		{errors.New("x"), ""},
	} {
		if got := hintFor(c.err); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

// Who does not want to wait does not.
func TestRetryNotAtAll(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	t.Setenv("BOXCAR_URL", s.URL)
	t.Setenv("BOXCAR_TOKEN", "t")
	var out, errs bytes.Buffer
	if code := run([]string{"whoami", "--retry", "0"}, streams{Out: &out, Err: &errs}); code != exitFailed || asked.Load() != 1 {
		t.Errorf("exit code %d after %d requests: %s", code, asked.Load(), &errs)
	}
	s.Close()
	began := time.Now()
	if code := run([]string{"whoami", "--retry", "0"}, streams{Out: &out, Err: &errs}); code != exitFailed || time.Since(began) >= patience || !strings.Contains(errs.String(), "is it running?") {
		t.Errorf("exit code %d after %s: %s", code, time.Since(began), &errs)
	}
}

// Every command that has something to tell tells it to programs, too.
func TestEveryCommandHasJSON(t *testing.T) {
	silent := map[string]string{
		"boxcar serve": "its log has objects", "boxcar app config": "it is JSON", "boxcar ca": "it is for people to read and do",
		"boxcar completion": "it is for a shell", "boxcar man": "it is for man",
		"boxcar user set": "it tells nothing", "boxcar user delete": "it tells nothing", "boxcar app delete": "it tells nothing",
	}
	k, err := newParser(streams{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range k.Model.Leaves(true) {
		has := slices.ContainsFunc(command.Flags, func(f *kong.Flag) bool { return f.Name == "json" })
		if why := silent[command.FullPath()]; has == (why != "") {
			t.Errorf("%s: --json is there: %v; %s", command.FullPath(), has, why)
		}
	}
}

func TestAmount(t *testing.T) {
	for text, want := range map[string]amount{"1000": 1000, "500k": 500_000, "20G": 20_000_000_000, "20GiB": 20 << 30} {
		var a amount
		if err := a.UnmarshalText([]byte(text)); err != nil || a != want {
			t.Errorf("%s: %d, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "much", "99999999999999999999", "10EiB"} {
		var a amount
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, a)
		}
	}
}

func TestBarsFitTheScreen(t *testing.T) {
	for lines, want := range map[int]int{0: 1, 4: 1, 8: 5, 24: mostBars} {
		if got := barsOf(lines); got != want || lines >= 4 && got+3 > lines {
			t.Errorf("%d bars on %d lines, want %d", got, lines, want)
		}
	}
}

// What has to move once more takes nothing from what others have moved.
func TestSpeed(t *testing.T) {
	var s speed
	at := time.Now()
	for i := range 20 {
		at = at.Add(500 * time.Millisecond)
		got := s.at(at, int64(i)*1000)
		if i > 0 && (got < 1999 || got > 2001) {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if got := s.at(at.Add(time.Second), 0); got != 0 {
		t.Errorf("backwards: %v", got)
	}
	if len(s.samples) > 12 {
		t.Errorf("%d samples for %s", len(s.samples), speedWindow)
	}
}

func TestWhichServer(t *testing.T) {
	box := client.Box()
	for text, want := range map[string]client.BaseURLs{"": client.At(homeURL), "box": box, "Box": box, "http://x/": client.At("http://x")} {
		if got := urlsOf(text); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	profiles := client.Profiles{Dir: t.TempDir()}
	for name, server := range map[string]string{"box": "", "here": "http://here"} {
		if err := profiles.Put(name, client.Profile{Server: server, Auth: client.AuthToken, Token: "t"}, name == "here"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		profile, url, token string
		given               string
		api, name           string // "" is an error
	}{
		{api: "http://here", name: "here"},                               // the default
		{profile: "box", api: box.API, name: "box"},                      // Box's own hosts
		{url: "http://x", token: "t", api: "http://x", name: "http://x"}, // the environment
		{token: "t", api: homeURL, name: homeURL},                        // where serve is
		{url: "box", token: "t", api: box.API, name: box.API},            //
		{url: "http://x"}, // without a token
		{profile: "box", url: "http://x", token: "t", api: box.API, name: "box"},                       // a profile says more
		{profile: "box", url: "http://x", token: "t", given: "url", api: "http://x", name: "http://x"}, // unless it is from the environment
		{profile: "box", url: "http://x", token: "t", given: "profile url"},
		{profile: "nobody"},
	} {
		t.Setenv("BOXCAR_TOKEN", c.token)
		given := map[string]bool{}
		for _, flag := range strings.Fields(c.given) {
			given[flag] = true
		}
		f := serverFlags{configFlag: configFlag{Config: profiles.Dir}, Profile: c.profile, URL: c.url}
		cfg, name, err := f.clientConfig(streams{Given: given}, nil)
		if c.name == "" {
			if err == nil {
				t.Errorf("%+v: %s", c, name)
			}
			continue
		}
		if err != nil || cfg.URLs.API != c.api || name != c.name {
			t.Errorf("%+v: %s, %s, %v", c, cfg.URLs.API, name, err)
		}
	}
}
