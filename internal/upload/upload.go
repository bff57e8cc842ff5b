// Package upload is the service for upload sessions and simple uploads: it
// takes bytes in, verified and durable, and makes files of them.
package upload

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/tree"
)

const (
	// SessionLife is how long a session takes parts, from its creation on.
	SessionLife = 7 * 24 * time.Hour
	// MinChunkedSize is Box's smallest file for a session, in bytes.
	MinChunkedSize = 20_000_000
)

// Config is what a Service needs. All of it but the limits must be set.
type Config struct {
	Meta  meta.Store
	Blobs blob.Store
	// Intake is what the bytes of all uploads pass through; nil hashes each upload by itself.
	Intake *blob.Intake
	Tree   *tree.Service
	Now    func() time.Time
	NewID  func() content.ID
	// Random fills b with random bytes.
	Random func(b []byte)
	// Answer is what a client gets for an error, for the session's own log.
	Answer func(error) (status int, code, message string)
	// Watch, if not nil, is told that an operation begins, which goes on with the
	// context it returns, and of how it ended, once.
	Watch  func(ctx context.Context, what Operation) (context.Context, func(error))
	Log    *slog.Logger
	Limits Limits
}

// Limits bound what clients may ask for. A zero field gets its default.
type Limits struct {
	MinChunkedSize *int64        // bytes; nil: MinChunkedSize
	PartSize       int64         // bytes; 0: by file size, see content.GridFor
	Sessions       int64         // open sessions of one user; default 20,000
	Writers        int           // bodies taken in at once; default 128
	UserWriters    int           // of one user; default 32
	Wait           time.Duration // for a place among the writers; default 30 s
	Ack            time.Duration // for recording what has arrived whole; default 30 s
	Commit         time.Duration // before a commit answers that it needs longer; default 50 s
	LogEvents      int64         // kept for one session; default 50,000
	// Window is how many bytes beyond the front of its file a part may end and stay in
	// memory until the front comes to it; default 64 MiB, -1 has none stay.
	Window int64
	// FollowWait is how long a part waits for those before it while nothing moves, to be hashed for itself and for
	// the file in one pass; default 100 ms where that is much faster, and
	// none elsewhere; -1 has none wait.
	FollowWait time.Duration
	FollowFrom int64 // smallest part that does so, bytes; default 128 KiB
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (l Limits) withDefaults() Limits {
	if l.MinChunkedSize == nil {
		n := int64(MinChunkedSize)
		l.MinChunkedSize = &n
	}
	orDefault(&l.Sessions, 20_000)
	orDefault(&l.Writers, 128)
	orDefault(&l.UserWriters, 32)
	orDefault(&l.Wait, 30*time.Second)
	orDefault(&l.Ack, 30*time.Second)
	orDefault(&l.Commit, 50*time.Second)
	orDefault(&l.LogEvents, 50_000)
	orDefault(&l.FollowFrom, 128<<10)
	orDefault(&l.Window, 64<<20) // who sends parts in order, several at a time, is not further ahead
	return l
}

// Service takes uploads. Its methods may be called concurrently.
type Service struct {
	Config
	places *places
	fronts fronts
	sha512 hasher512
	// arriving are the keys of blobs that are being put, or that may yet get a row.
	arriving sync.Map
	// dead has leases, by session, that their commits could not give back.
	dead sync.Map
	// buffers holds *[]byte for reading blobs back, reading bounds how many
	// are in use for hashing ahead.
	buffers *sync.Pool
	reading chan struct{}

	stop context.CancelFunc // ends work that no request waits for
	bg   context.Context
	work sync.WaitGroup
}

// readBuffers is for all services: a pool outlives its owner by two collections,
// and what it holds counts as live until then.
var readBuffers = sync.Pool{New: func() any { b := make([]byte, 2<<20); return &b }}

// New makes a Service. Close ends it.
func New(cfg Config) *Service {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Limits.FollowWait == 0 && cfg.Intake.Hasher().PairsPay() {
		cfg.Limits.FollowWait = followWait
	}
	s := &Service{Config: cfg}
	s.places = newPlaces(cfg.Limits.Writers, cfg.Limits.UserWriters)
	s.sha512.one = make(chan struct{}, 1)
	s.reading = make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	s.buffers = &readBuffers
	s.bg, s.stop = context.WithCancel(context.Background())
	return s
}

// Close stops work in the background, keeps what it has reached, and returns
// when it is over. No other method may be at work or called later.
func (s *Service) Close() {
	s.stop()
	s.work.Wait()
}

// Recover puts the sessions that a stop left committing back to open. It is
// for the start, before any other method.
func (s *Service) Recover(ctx context.Context) error {
	for after := content.SessionID(""); ; {
		var batch []meta.Session
		err := s.Meta.Update(ctx, func(tx meta.Tx) (err error) {
			if batch, err = tx.InState(content.Committing, after, 100); err != nil {
				return err
			}
			for _, ses := range batch {
				ses.State, ses.Lease = content.Open, time.Time{}
				if err := tx.UpdateSession(ses); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || len(batch) == 0 {
			return err
		}
		after = batch[len(batch)-1].ID
	}
}

// session finds a session for its owner, in whatever state, as long as it is
// remembered. Nothing is told of one to anybody else.
func (s *Service) session(tx meta.Tx, who content.Principal, id content.SessionID) (meta.Session, error) {
	ses, err := tx.Session(id)
	if content.Is(err, content.NotFound) || err == nil && !s.Now().Before(ses.ExpiresAt.Add(content.Remembered)) {
		return meta.Session{}, content.Errorf(content.NotFound, "there is no upload session %s", id)
	}
	if err != nil {
		return ses, err
	}
	if err := s.Tree.AllowSession(tx, who, ses.Session); err != nil {
		return meta.Session{}, err
	}
	return ses, nil
}

// live is a session that was neither aborted nor has expired.
func (s *Service) live(tx meta.Tx, who content.Principal, id content.SessionID) (meta.Session, error) {
	ses, err := s.session(tx, who, id)
	if err != nil {
		return ses, err
	}
	switch {
	case ses.State == content.Aborted:
		return ses, content.Errorf(content.NotFound, "upload session %s was aborted", id)
	case ses.State == content.Expired,
		(ses.State == content.Open || ses.State == content.Committing && !s.committing(ses)) && !s.Now().Before(ses.ExpiresAt):
		return ses, content.Errorf(content.SessionExpired, "upload session %s expired at %s", id, ses.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return ses, nil
}

// committing says whether a commit holds the session now.
func (s *Service) committing(ses meta.Session) bool {
	if ses.State != content.Committing || !s.Now().Before(ses.Lease) {
		return false
	}
	lease, dead := s.dead.Load(ses.ID)
	return !dead || !ses.Lease.Equal(lease.(time.Time))
}

func busy(id content.SessionID) error {
	return content.Errorf(content.SessionBusy, "upload session %s is being committed", id)
}

// Status is the session as it stands, with the number of parts stored.
func (s *Service) Status(ctx context.Context, who content.Principal, id content.SessionID) (ses content.Session, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		row, err := s.live(tx, who, id)
		if err != nil {
			return err
		}
		ses = row.Session
		if row.State == content.Committed {
			ses.Stored = row.Grid.Parts()
			return nil
		}
		ses.Stored, err = tx.CountParts(row.Manifest)
		return err
	})
	return ses, err
}

// Parts lists stored parts in order, from the slot given on: a slot is an
// offset in units of the part size.
func (s *Service) Parts(ctx context.Context, who content.Principal, id content.SessionID, slot int64, limit int) (ses content.Session, parts []content.Part, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		row, err := s.live(tx, who, id)
		if err != nil {
			return err
		}
		ses = row.Session
		// What is asked for is a run of slots, so parts missing in it make the
		// page shorter and never bring later ones forward.
		end := (slot + int64(limit)) * row.Grid.PartSize
		rows, err := tx.Parts(row.Manifest, slot*row.Grid.PartSize, limit)
		for _, p := range rows {
			if p.Span.Start >= end {
				break
			}
			parts = append(parts, p.Part)
		}
		return err
	})
	return ses, parts, err
}

// Abort ends a session and lets go of its parts. A session that is over
// already, committed too, stays as it is.
func (s *Service) Abort(ctx context.Context, who content.Principal, id content.SessionID) (err error) {
	ctx, end := s.watch(ctx, OpAbort)
	defer func() { end(err) }()
	var free []blob.Key
	now := s.Now()
	err = s.Meta.Update(ctx, func(tx meta.Tx) error {
		free = nil
		ses, err := s.session(tx, who, id)
		switch {
		case err != nil:
			return err
		case s.committing(ses):
			return busy(id)
		case ses.State != content.Open && ses.State != content.Committing:
			return nil
		case !now.Before(ses.ExpiresAt):
			return nil // expired stays expired; the sweep takes its parts
		}
		free, err = meta.Release(tx, ses, content.Aborted, content.LogEvent{At: now, Event: "abort", Status: 204})
		return err
	})
	if err != nil {
		return err
	}
	s.discard(free)
	return nil
}

// discard deletes blobs that no row refers to. It goes on without the request;
// what it fails to delete the sweep finds.
func (s *Service) discard(keys []blob.Key) {
	if len(keys) == 0 {
		return
	}
	s.work.Go(func() {
		if err := s.Blobs.Delete(s.bg, keys...); err != nil {
			s.Log.Warn("blobs not deleted, left to the sweep", "blobs", len(keys), "error", err)
		}
	})
}

// settle is a context for work that outlives its request: the bytes are here,
// and a client that comes back should find them recorded.
func (s *Service) settle(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.Limits.Ack)
}

func (s *Service) newSessionID() content.SessionID {
	var b [16]byte
	s.Random(b[:])
	return content.SessionID(strings.ToUpper(hex.EncodeToString(b[:])))
}

func (s *Service) newKey() blob.Key {
	var b [16]byte
	s.Random(b[:])
	return blob.NewKey(b)
}

// Arriving says whether a blob is being put or waits for its row: it is no
// garbage, however old the clock makes it look.
func (s *Service) Arriving(key blob.Key) bool {
	_, ok := s.arriving.Load(key)
	return ok
}

// partID names the part of a slot: 8 hex digits. Slots of one session never
// share an id, since the factor is odd, and whoever wins a race for a slot
// gives it the same one.
func partID(id content.SessionID, slot int64) string {
	base, _ := strconv.ParseUint(string(id[:8]), 16, 32)
	return fmt.Sprintf("%08X", uint32(base)+uint32(slot)*0x9E3779B1)
}
