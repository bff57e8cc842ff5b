package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/daemon"
)

// event is what a client knows of an event.
type event struct {
	Type      string
	EventID   string                           `json:"event_id"`
	EventType string                           `json:"event_type"`
	CreatedAt string                           `json:"created_at"`
	CreatedBy struct{ Type, ID, Login string } `json:"created_by"`
	Source    map[string]any
}

type eventPage struct {
	ChunkSize          *int        `json:"chunk_size"`
	NextStreamPosition json.Number `json:"next_stream_position"`
	Entries            []event
}

// events is a page of a stream.
func (w *wire) events(t testing.TB, query string) (p eventPage) {
	t.Helper()
	r := w.do(t, "GET", "/2.0/events?"+query, nil).want(200)
	r.decode(&p)
	if p.ChunkSize == nil || *p.ChunkSize != len(p.Entries) || p.Entries == nil {
		t.Fatalf("%v: chunk_size is not the number of entries", r)
	}
	if p.NextStreamPosition == "0" || !wireNumber.MatchString(p.NextStreamPosition.String()) || strings.Contains(string(r.body), `"next_stream_position":"`) {
		t.Fatalf("%v: the next position is to be a number, and not 0", r)
	}
	return p
}

// kinds are what the events of a page say.
func (p eventPage) kinds() (all []string) {
	for _, e := range p.Entries {
		name := e.Source["name"]
		if name == nil {
			name = e.Source["item_name"]
		}
		all = append(all, fmt.Sprint(e.EventType, " ", name))
	}
	return all
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	other := w.user(t, "other@example.net", 0)
	if p := other.events(t, "stream_position=now"); len(p.Entries) != 0 {
		t.Errorf("now has %v", p)
	}
	none := other.events(t, "")
	same(t, "no events yet", none.kinds(), nil)

	docs := w.folder(t, "0", "docs")
	from := w.events(t, "stream_position=now").NextStreamPosition.String()
	f := w.simpleIn(t, docs, "a.txt", "abc").file()
	w.post(t, "/2.0/files/"+f.ID+"/content", newForm().file([]byte("abcd"))).file()
	w.do(t, "PUT", "/2.0/files/"+f.ID, fields{"name": "b.txt"}).want(200)
	w.do(t, "DELETE", "/2.0/files/"+f.ID, nil).want(204)
	w.do(t, "POST", "/2.0/files/"+f.ID, nil).want(201)
	changes := []string{"ITEM_UPLOAD a.txt", "ITEM_UPLOAD a.txt", "ITEM_RENAME b.txt", "ITEM_TRASH b.txt", "ITEM_UNDELETE_VIA_TRASH b.txt"}
	w.do(t, "GET", "/2.0/files/"+f.ID+"/content", nil).want(302)
	w.Chores(t.Context())

	t.Run("streams", func(t *testing.T) {
		same(t, "changes", w.events(t, "stream_type=changes&limit=9&stream_position="+from).kinds(), changes)
		same(t, "sync", w.events(t, "stream_type=SYNC&fields=x&stream_position="+from).kinds(), changes)
		all := w.events(t, "stream_position="+from)
		same(t, "all", all.kinds(), append(slices.Clone(changes), "ITEM_DOWNLOAD b.txt"))
		same(t, "the rest", w.events(t, "stream_position="+all.NextStreamPosition.String()).kinds(), nil)
		same(t, "now", w.events(t, "stream_position=now").NextStreamPosition, all.NextStreamPosition)
		same(t, "from the beginning", w.events(t, "stream_position=0&limit=1").kinds(), []string{"ITEM_CREATE docs"})
		same(t, "from the first", w.events(t, "stream_position=1&limit=1&stream_type=").kinds(), []string{"ITEM_CREATE docs"})
		same(t, "another's", other.events(t, "").kinds(), nil)
		var paged []string
		at := from
		for {
			p := w.events(t, "limit=2&stream_position="+at)
			if len(p.Entries) == 0 {
				break
			}
			paged, at = append(paged, p.kinds()...), p.NextStreamPosition.String()
		}
		same(t, "in pages", paged, all.kinds())
		ids := map[string]bool{}
		for _, e := range all.Entries {
			ids[e.EventID] = true
			if e.Type != "event" || len(e.EventID) != 32 || !wireTime.MatchString(e.CreatedAt) || e.CreatedBy.Type != "user" || e.CreatedBy.Login == "" {
				t.Errorf("event is %+v", e)
			}
			for _, key := range []string{"created_at", "modified_at", "content_created_at", "content_modified_at"} {
				if v, _ := e.Source[key].(string); !wireTime.MatchString(v) {
					t.Errorf("%s is %v", key, e.Source[key])
				}
			}
			same(t, "parent", e.Source["parent"], map[string]any{"type": "folder", "id": docs, "sequence_id": "0", "etag": "0", "name": "docs"})
		}
		if len(ids) != len(all.Entries) {
			t.Errorf("%d events have %d ids", len(all.Entries), len(ids))
		}
		trashed := all.Entries[3].Source
		same(t, "status", []any{trashed["item_status"], trashed["type"], trashed["id"], trashed["sequence_id"]}, []any{"trashed", "file", f.ID, "3"})
		same(t, "an event", slices.Sorted(keysOf(w.get(t, "/2.0/events?limit=1")["entries"].([]any)[0])), strings.Fields(
			"additional_details created_at created_by event_id event_type recorded_at session_id source type"))
	})
	t.Run("administrators", func(t *testing.T) {
		other.simple(t, "other.txt", "x").file()
		same(t, "all", w.events(t, "stream_type=admin_logs&stream_position="+from).kinds(), []string{
			"UPLOAD a.txt", "EDIT a.txt", "RENAME b.txt", "DELETE b.txt", "UNDELETE b.txt", "DOWNLOAD b.txt", "UPLOAD other.txt"})
		same(t, "types", w.events(t, "stream_type=admin_logs_streaming&event_type=UPLOAD,EDIT&stream_position="+from).kinds(), []string{"UPLOAD a.txt", "EDIT a.txt", "UPLOAD other.txt"})
		same(t, "one type", w.events(t, "stream_type=admin_logs_streaming&event_type=EDIT&stream_position="+from).kinds(), []string{"EDIT a.txt"})
		same(t, "no type of ours", w.events(t, "stream_type=admin_logs&event_type=LOGIN").kinds(), nil)
		same(t, "of a time", w.events(t, "stream_type=admin_logs&created_after=2001-01-01T00:00:00-07:00&created_before=2002-01-01").kinds(), nil)
		same(t, "of no time", w.events(t, "stream_type=admin_logs&created_after=2001-01-01&limit=1").kinds(), []string{"NEW_USER User other@example.net"})
		p := w.get(t, "/2.0/events?stream_type=admin_logs&limit=1&stream_position="+from)["entries"].([]any)[0].(map[string]any)
		source := p["source"].(map[string]any)
		checkKeys(t, "the source", source, "item_type item_id item_name parent owned_by")
		same(t, "the parent", source["parent"].(map[string]any)["id"], docs)
		other.do(t, "GET", "/2.0/events?stream_type=admin_logs", nil).refused(403, "access_denied_insufficient_permissions")
		other.do(t, "GET", "/2.0/events?stream_type=admin_logs&stream_position=now", nil).refused(403, "access_denied_insufficient_permissions")
	})
	t.Run("administrators, of users", func(t *testing.T) {
		from := w.events(t, "stream_type=admin_logs&stream_position=now").NextStreamPosition.String()
		var made struct{ ID string }
		w.do(t, "POST", "/2.0/users", fields{"name": "Ann", "login": "ann@example.net"}).want(201).decode(&made)
		user := made.ID
		w.do(t, "PUT", "/2.0/users/"+user, fields{"name": "Anna"}).want(200)
		w.do(t, "DELETE", "/2.0/users/"+user, nil).want(204)
		w.Chores(t.Context())
		p := w.events(t, "stream_type=admin_logs&event_type=NEW_USER,EDIT_USER,DELETE_USER&stream_position="+from)
		same(t, "all", p.kinds(), []string{"NEW_USER Ann", "EDIT_USER Anna", "DELETE_USER Anna"})
		same(t, "a source", p.Entries[2].Source, map[string]any{"type": "user", "id": user, "name": "Anna", "login": "ann@example.net"})
		same(t, "one type", w.events(t, "stream_type=admin_logs_streaming&event_type=DELETE_USER&stream_position="+from).kinds(), []string{"DELETE_USER Anna"})
		same(t, "not of the caller's own stream", w.events(t, "stream_position="+from).kinds(), nil)
	})
	t.Run("refused", func(t *testing.T) {
		for _, q := range []string{"stream_position=x", "stream_position=-1", "stream_position=999999", "stream_position=99999999999999999999", "stream_position=1.5",
			"stream_type=x", "stream_type=admin_logs&created_after=x"} {
			w.do(t, "GET", "/2.0/events?"+q, nil).refused(400, "bad_request")
		}
		w.do(t, "GET", "/2.0/events?limit=x", nil).refused(400, "invalid_limit")
		same(t, "too many", len(w.events(t, "limit=100000").Entries) > 0, true)
	})
	t.Run("a deleted user's stay", func(t *testing.T) {
		gone := w.user(t, "gone@example.net", 0)
		gone.simple(t, "gone.txt", "x").file()
		w.do(t, "DELETE", "/2.0/users/"+gone.who.ID.String()+"?force=true", nil).want(204)
		w.Chores(t.Context())
		kinds := w.events(t, "stream_type=admin_logs&stream_position="+from).kinds()
		same(t, "the last", kinds[len(kinds)-2:], []string{"UPLOAD gone.txt", "DELETE_USER User gone@example.net"})
	})
	t.Run("old ones go", func(t *testing.T) {
		w.Clock.Add(content.EventLife + time.Hour)
		w.Chores(t.Context())
		p := w.events(t, "stream_position="+from)
		same(t, "what is left", p.kinds(), nil)
		w.folder(t, "0", "late")
		same(t, "what comes", w.events(t, "stream_position="+p.NextStreamPosition.String()).kinds(), []string{"ITEM_CREATE late"})
		same(t, "what comes", w.events(t, "stream_position="+from).kinds(), []string{"ITEM_CREATE late"})
	})
}

func keysOf(o any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range o.(map[string]any) {
			if !yield(k) {
				return
			}
		}
	}
}

func TestWhoFollowsEventsMissesNothing(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	at := w.events(t, "stream_position=now").NextStreamPosition.String()
	const writers, each = 8, 12
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for j := range each {
				w.simple(t, fmt.Sprintf("%d-%d", i, j), "x").file()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen := map[string]int{}
	for last := false; ; {
		p := w.events(t, "stream_type=changes&limit=5&stream_position="+at)
		for _, name := range p.kinds() {
			seen[name]++
		}
		at = p.NextStreamPosition.String()
		if len(p.Entries) == 0 {
			if last {
				break
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
	}
	for name, n := range seen {
		if n != 1 {
			t.Errorf("%s was seen %d times", name, n)
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d of %d uploads were seen", len(seen), writers*each)
	}
}

// realtime is the URL at which to wait.
func (w *wire) realtime(t testing.TB) string {
	t.Helper()
	r := w.do(t, "OPTIONS", "/2.0/events", nil).want(200)
	o := r.object()
	e := o["entries"].([]any)[0].(map[string]any)
	u, _ := e["url"].(string)
	delete(e, "url")
	same(t, "the reply", o, map[string]any{"chunk_size": 1, "entries": []any{map[string]any{
		"type": "realtime_server", "ttl": "10", "max_retries": "10", "retry_timeout": 610}}})
	if !strings.HasPrefix(u, w.URL+"/") {
		t.Fatalf("the URL is %q", u)
	}
	return u
}

func TestWaitingForEvents(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.HTTP.EventWait, c.HTTP.BodyIdle = 3*time.Second, time.Second })
	other := w.user(t, "other@example.net", 0)
	at := w.events(t, "stream_position=now").NextStreamPosition.String()
	u := w.realtime(t)
	message := func(t testing.TB, path string) string {
		t.Helper()
		var m struct{ Message string }
		w.do(t, "GET", path, nil, "Authorization", "").want(200).decode(&m)
		return m.Message
	}
	t.Run("a change wakes those of its stream within a second", func(t *testing.T) {
		var wg sync.WaitGroup
		for i, path := range []string{u + "?stream_position=" + at, u + "&stream_position=" + at, u, u + "?stream_position=now&x"} {
			wg.Go(func() {
				began := time.Now()
				if m := message(t, path); m != "new_change" {
					t.Errorf("%d: the message is %q after %v", i, m, time.Since(began))
				}
			})
		}
		wg.Go(func() {
			began := time.Now()
			if m := message(t, other.realtime(t)); m != "reconnect" || time.Since(began) < 2900*time.Millisecond {
				t.Errorf("another's message is %q after %v", m, time.Since(began))
			}
		})
		time.Sleep(1200 * time.Millisecond)
		w.folder(t, "0", "x")
		wg.Wait()
	})
	t.Run("what has happened is told at once", func(t *testing.T) {
		began := time.Now()
		same(t, "message", message(t, u+"?stream_position="+at), "new_change")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("refused", func(t *testing.T) {
		w.do(t, "GET", u+"?stream_position=x", nil).refused(400, "bad_request")
		w.do(t, "GET", u+"?stream_position=999999", nil).refused(400, "bad_request")
		w.do(t, "GET", u+"x", nil).refused(404, "not_found")
		w.do(t, "GET", strings.Replace(u, "/2.0/events/follow/", "/content/", 1), nil).refused(404, "not_found")
		w.do(t, "OPTIONS", "/2.0/events", nil, "Authorization", "").want(401)
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[int]int{}
		for range 40 {
			wg.Go(func() {
				r := w.do(t, "GET", u, nil)
				mu.Lock()
				defer mu.Unlock()
				got[r.status]++
				if r.status == 429 && r.header.Get("Retry-After") == "" {
					t.Errorf("%v has no Retry-After", r)
				}
			})
		}
		wg.Wait()
		same(t, "answers", got, map[int]int{200: 32, 429: 8})
	})
	t.Run("a CORS preflight is one", func(t *testing.T) {
		w.do(t, "OPTIONS", "/2.0/events", nil, "Origin", "https://x.example", "Access-Control-Request-Method", "GET").refused(403, "cors_origin_not_whitelisted")
	})
	t.Run("who goes away leaves nothing", func(t *testing.T) {
		for range 40 {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			req := w.request(t, "GET", u, nil).WithContext(ctx)
			if resp, err := w.http.Do(req); err == nil {
				resp.Body.Close()
			}
			cancel()
		}
		same(t, "message", message(t, u), "reconnect")
	})
}

func TestStopEndsWaits(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	u := w.realtime(t)
	got := make(chan string, 1)
	go func() {
		resp, err := http.Get(u)
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		var m struct{ Message string }
		json.NewDecoder(resp.Body).Decode(&m)
		got <- m.Message
	}()
	time.Sleep(500 * time.Millisecond)
	began := time.Now()
	w.Stop()
	same(t, "message", <-got, "reconnect")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the stop took %v", took)
	}
}

func TestRecentItems(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	other := w.user(t, "other@example.net", 0)
	same(t, "none", w.get(t, "/2.0/recent_items"), map[string]any{"entries": []any{}, "limit": 100, "order": map[string]any{"by": "interacted_at", "direction": "DESC"}})
	step := func() { w.Clock.Add(time.Minute) }
	a := w.simple(t, "a.txt", "x").file()
	step()
	b := w.simple(t, "b.txt", "x").file()
	step()
	w.simple(t, "c.txt", "x").file()
	step()
	w.do(t, "PUT", "/2.0/files/"+a.ID, fields{"name": "a2.txt"}).want(200)
	step()
	w.do(t, "GET", "/2.0/files/"+b.ID+"/content", nil).want(302)
	w.Chores(t.Context())
	list := func(query string) (all []string, next string) {
		var r struct {
			Entries []struct {
				Type            string
				InteractionType string `json:"interaction_type"`
				InteractedAt    string `json:"interacted_at"`
				Item            map[string]any
			}
			NextMarker *string `json:"next_marker"`
		}
		reply := w.do(t, "GET", "/2.0/recent_items?"+query, nil).want(200)
		reply.decode(&r)
		for _, e := range r.Entries {
			if e.Type != "recent_item" || !wireTime.MatchString(e.InteractedAt) || e.Item["type"] != "file" {
				t.Errorf("entry is %v", e)
			}
			all = append(all, fmt.Sprint(e.InteractionType, " ", e.Item["name"]))
		}
		if r.NextMarker != nil {
			next = *r.NextMarker
		}
		return all, next
	}
	want := []string{"item_open b.txt", "item_modify a2.txt", "item_upload c.txt"}
	all, next := list("")
	same(t, "all", all, want)
	same(t, "the next marker", next, "")
	one, next := list("limit=2&fields=name")
	same(t, "the first", one, want[:2])
	one, next = list("limit=2&marker=" + next)
	same(t, "the rest", one, want[2:])
	same(t, "the next marker", next, "")
	same(t, "another's", other.get(t, "/2.0/recent_items")["entries"], []any{})
	e := w.get(t, "/2.0/recent_items?limit=1")["entries"].([]any)[0].(map[string]any)
	checkKeys(t, "an entry", e, "type interaction_type interacted_at item interaction_shared_link")
	checkKeys(t, "the item", e["item"].(map[string]any), fileMini)
	w.do(t, "DELETE", "/2.0/files/"+b.ID, nil).want(204)
	all, _ = list("")
	same(t, "without the trash", all, want[1:])
	w.Clock.Add(content.RecentLife)
	all, _ = list("")
	same(t, "after 90 days", all, nil)
	w.do(t, "GET", "/2.0/recent_items?marker=x", nil).refused(400, "bad_request")
	w.do(t, "GET", "/2.0/recent_items?limit=0", nil).refused(400, "invalid_limit")
}
