package crash_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/upload"
	"boxcar/internal/vfs/faultfs"
)

// atOnce is how many histories one server has.
const atOnce = 16

// envHistories is how many histories TestLinearizable looks at.
const envHistories = "BOXCAR_HISTORIES"

// asked is a request to one of three sessions: the first is for a new file, the
// others for versions of a file that is there.
type asked struct {
	what    string // "part", "list", "commit", "abort", "read" of the file that is there
	session int
	slot    int
	variant byte    // of a part: each slot may get one of two contents
	listed  [2]byte // of a commit: the variants that it lists, 0 for none
	spoiled bool    // of a commit: its digest is of something else
}

// told is what came of it.
type told struct {
	ok      bool
	kind    content.Kind // of the error, if it did not go well
	parts   [2]byte      // of a list
	current int          // of a read: the session that made the current version, 0 for none
	past    int64        // of a read: how many versions came before
}

func (t told) String() string {
	if t.ok {
		return "ok"
	}
	return fmt.Sprint(t.kind)
}

// known is the state that all requests are about.
type known struct {
	fates   [3]fate
	parts   [3][2]byte
	current int
	past    int64
}

var sessions = porcupine.Model{
	Init: func() any { return known{fates: [3]fate{open, open, open}} },
	Step: func(state, input, output any) (bool, any) {
		return state.(known).step(input.(asked), output.(told))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
}

// step says whether a request can have this answer, and what is then.
func (k known) step(a asked, t told) (bool, known) {
	if a.what == "read" {
		return t.ok && t.current == k.current && t.past == k.past, k
	}
	f, parts := k.fates[a.session], k.parts[a.session]
	busy := !t.ok && t.kind == content.SessionBusy && f != aborted // while a commit is at work: nothing has happened
	switch {
	case a.what == "abort":
		if t.ok && f == open {
			k.fates[a.session] = aborted
		}
		return t.ok || busy, k
	case f == aborted:
		return !t.ok && t.kind == content.NotFound, k
	case a.what == "list":
		return t.ok && t.parts == parts, k
	case a.what == "part":
		switch have := parts[a.slot]; {
		case have == a.variant:
			return t.ok, k
		case have != 0:
			return busy || !t.ok && t.kind == content.PartConflict, k
		case f == committed:
			return false, k // it has all its parts
		case t.ok:
			k.parts[a.session][a.slot] = a.variant
		}
		return t.ok || busy, k
	}
	// A commit.
	switch whole := parts[0] != 0 && parts[1] != 0; {
	case a.listed != parts || !whole:
		return !t.ok && t.kind == content.PartsMismatch, k
	case a.spoiled:
		return !t.ok && t.kind == content.DigestMismatch, k
	case t.ok && f == open:
		k.fates[a.session] = committed
		if a.session > 0 {
			k.current, k.past = a.session, k.past+1
		}
	}
	return t.ok, k
}

// variants are the two contents of each slot of each session.
func variant(session, slot int, v byte) []byte {
	return bytes.Repeat([]byte{byte(session*16+slot*4) + v}, []int{partSize, 100}[slot])
}

// histories has a few clients make requests at once, in an order by seed; and again, of
// sessions and a file of their own, by the seeds behind it. To open a server takes longer than a history.
func histories(t *testing.T, seed uint64, n int, m *mutant) (all [][]porcupine.Operation) {
	synctest.Test(t, func(t *testing.T) {
		fsys := base().Crash(faultfs.Kept)
		src := new(source)
		src.n.Store(1000)
		h, err := site{source: src, now: time.Now, readers: 2, mutant: m, logSize: shortLog}.open(ctx, fsys)
		if err != nil {
			t.Fatal(err)
		}
		defer h.off()
		for i := range n {
			all = append(all, h.history(t, seed+uint64(i), fmt.Sprint("file ", i)))
		}
	})
	return all
}

func (h *house) history(t *testing.T, seed uint64, name string) (all []porcupine.Operation) {
	if err := simple(name, contents[0], false).do(ctx, h); err != nil {
		t.Fatal(err)
	}
	file, err := h.find(name)
	if err != nil {
		t.Fatal(err)
	}
	var ids [3]content.Session
	for i := range ids {
		root, fresh := "0", name+", new"
		req := upload.Request{Size: partSize + 100, File: file.ID}
		if i == 0 {
			req = upload.Request{Size: partSize + 100, Folder: &root, Name: &fresh}
		}
		if ids[i], err = h.upload.Create(ctx, h.who, req); err != nil {
			t.Fatal(err)
		}
	}
	order := newSchedule(seed)
	order.watch(h.fs)
	var clock atomic.Int64
	var mu sync.Mutex
	var clients sync.WaitGroup
	for c := range 4 {
		rng := rand.New(rand.NewPCG(seed, uint64(c)))
		clients.Go(func() {
			asker := &asker{house: h, ids: ids, file: file, rng: rng}
			for range 6 {
				op := porcupine.Operation{ClientId: c, Call: clock.Add(1)}
				op.Input, op.Output = asker.ask()
				op.Return = clock.Add(1)
				mu.Lock()
				all = append(all, op)
				mu.Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { clients.Wait(); close(done) }()
	order.run(done, func(faultfs.Op, string) {})
	h.fs.Watch(nil)
	return all
}

// asker is a client that does what it likes with three sessions.
type asker struct {
	*house
	ids  [3]content.Session
	file meta.Item
	rng  *rand.Rand

	seen  [3][2]byte // the parts of each session, as it has last seen them
	names [3][2]string
}

func (c *asker) ask() (a asked, t told) {
	a.session = c.rng.IntN(3)
	id := c.ids[a.session]
	var err error
	switch n := c.rng.IntN(32); {
	case n < 15:
		a.what, a.slot, a.variant = "part", c.rng.IntN(2), 1
		if seen := c.seen[a.session]; seen[a.slot] != 0 && seen[1-a.slot] == 0 {
			a.slot = 1 - a.slot // what it does not know to be there
		}
		if c.rng.IntN(12) == 0 {
			a.variant = 2
		}
		body := variant(a.session, a.slot, a.variant)
		span := id.Grid.Slot(int64(a.slot))
		var p content.Part
		p, err = c.upload.PutPart(ctx, c.who, id.ID, upload.Sent{Span: span, Total: id.Grid.FileSize, SHA1: sha1.Sum(body), Length: -1}, bytes.NewReader(body))
		if err == nil {
			c.seen[a.session][a.slot], c.names[a.session][a.slot] = a.variant, p.ID
		}
	case n < 19:
		a.what = "list"
		var parts []content.Part
		_, parts, err = c.upload.Parts(ctx, c.who, id.ID, 0, 10)
		for _, p := range parts {
			slot := int(p.Span.Start / partSize)
			for v := byte(1); v <= 2; v++ {
				if p.SHA1 == sha1.Sum(variant(a.session, slot, v)) {
					t.parts[slot] = v
				}
			}
			c.seen[a.session][slot], c.names[a.session][slot] = t.parts[slot], p.ID
		}
	case n < 28:
		a.what, a.listed, a.spoiled = "commit", c.seen[a.session], c.rng.IntN(8) == 0
		var req upload.Commit
		h := sha1.New()
		for slot, v := range a.listed {
			if v != 0 {
				sum := content.SHA1(sha1.Sum(variant(a.session, slot, v)))
				span := id.Grid.Slot(int64(slot))
				req.Parts = append(req.Parts, upload.Listed{ID: c.names[a.session][slot], Offset: span.Start, Size: span.Len(), SHA1: &sum, Quote: sum.String})
				h.Write(variant(a.session, slot, v))
			}
		}
		h.Sum(req.SHA1[:0])
		if a.spoiled {
			req.SHA1[0]++
		}
		_, err = c.upload.Commit(ctx, c.who, id.ID, req)
	case n < 29:
		a.what = "abort"
		err = c.upload.Abort(ctx, c.who, id.ID)
	default:
		a.what = "read"
		err = c.rows.View(ctx, func(tx meta.Tx) error {
			row, err := tx.Item(c.file.ID)
			if err != nil {
				return err
			}
			for s := 1; s < 3; s++ {
				for v := range byte(4) {
					whole := append(bytes.Clone(variant(s, 0, 1+v&1)), variant(s, 1, 1+v>>1)...)
					if row.Current.SHA1 == sha1.Sum(whole) {
						t.current = s
					}
				}
			}
			t.past, err = tx.CountPastVersions(c.file.ID)
			return err
		})
	}
	t.ok, t.kind = err == nil, content.KindOf(err)
	return a, t
}

// Whatever clients ask of sessions at once, what they are answered is what they
// would be if all had happened one after another, each between its beginning
// and its end.
func TestLinearizable(t *testing.T) {
	base()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // disks are soon garbage, and small
	want := fromEnv(t, envHistories, 150)
	if raced {
		want = min(want, 10)
	}
	first := fromEnv(t, envSeed, 1)
	var next atomic.Int64
	var mu sync.Mutex
	answers := map[string]int{}
	t.Run("all", func(t *testing.T) {
		for w := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint("worker ", w), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() {
					n := int(next.Add(atOnce) - atOnce)
					if n >= want {
						return
					}
					seed := uint64(first + n)
					for i, all := range histories(t, seed, min(atOnce, want-n), nil) {
						mu.Lock()
						for _, op := range all {
							answers[op.Input.(asked).what+": "+op.Output.(told).String()]++
						}
						mu.Unlock()
						if !porcupine.CheckOperations(sessions, all) {
							t.Errorf("%s=%d %s=%d: no order explains the last one\n%s", envSeed, seed, envHistories, i+1, inWords(all))
						}
					}
				}
			})
		}
	})
	t.Logf("%d histories, seeds from %d on; answers: %v", want, first, answers)
	for _, what := range []string{"part", "list", "commit", "abort", "read"} {
		if answers[what+": ok"] == 0 && want >= 100 {
			t.Errorf("no %s went well", what)
		}
	}
}

func inWords(all []porcupine.Operation) string {
	var b strings.Builder
	for _, op := range all {
		r := op.Output.(told)
		fmt.Fprintf(&b, "%d..%d client %d %+v: %v, parts %v, current %d, past %d\n", op.Call, op.Return, op.ClientId, op.Input, r, r.parts, r.current, r.past)
	}
	return b.String()
}

// forgetful is a store whose transactions do not look again whether a session
// has been aborted since.
type forgetful struct{ meta.Store }

func (f forgetful) Update(ctx context.Context, fn func(meta.Tx) error) error {
	return f.Store.Update(ctx, func(tx meta.Tx) error { return fn(forgetfulTx{tx}) })
}

type forgetfulTx struct{ meta.Tx }

func (tx forgetfulTx) Session(id content.SessionID) (meta.Session, error) {
	s, err := tx.Tx.Session(id)
	if s.State == content.Aborted {
		s.State = content.Open
	}
	return s, err
}

func TestASecondLookAtSessionsIsNeeded(t *testing.T) {
	notRaced(t)
	base()
	m := &mutant{rows: func(rows meta.Store, _ blob.Store) meta.Store { return forgetful{rows} }}
	for seed := uint64(1); seed <= 3000; seed += atOnce {
		for i, all := range histories(t, seed, atOnce, m) {
			if !porcupine.CheckOperations(sessions, all) {
				t.Logf("seed %d", seed+uint64(i))
				return
			}
		}
	}
	t.Error("nothing shows that it is missing")
}

// The model refuses what can't be.
func TestModelOfSessions(t *testing.T) {
	part := asked{what: "part", variant: 1}
	other := part
	other.variant = 2
	commit := asked{what: "commit", listed: [2]byte{1, 0}}
	well := told{ok: true}
	for name, h := range map[string][]struct {
		a asked
		t told
	}{
		"two contents of one part":              {{part, well}, {other, well}},
		"a part that is listed by nobody":       {{part, well}, {asked{what: "list"}, well}},
		"a commit without all parts":            {{part, well}, {commit, well}},
		"a part behind an abort":                {{asked{what: "abort"}, well}, {part, well}},
		"a session that is gone without reason": {{part, told{kind: content.NotFound}}},
		"a version that nobody made":            {{asked{what: "read"}, told{ok: true, current: 1, past: 1}}},
	} {
		var all []porcupine.Operation
		for i, s := range h {
			all = append(all, porcupine.Operation{Input: s.a, Output: s.t, Call: int64(2 * i), Return: int64(2*i + 1)})
		}
		if porcupine.CheckOperations(sessions, all) {
			t.Errorf("%s: the model lets it pass", name)
		}
	}
}
