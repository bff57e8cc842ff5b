package tree

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// linkState is what a Service remembers of shared links between requests. The
// zero value is ready.
type linkState struct {
	once   sync.Once
	places chan struct{}
	secret [32]byte

	mu    sync.Mutex
	known map[[32]byte]struct{} // passwords found right, and whose, sealed with secret
	wrong map[uint64]wrongTries // by the link's stamp
	uses  map[content.ID]linkUses
}

type wrongTries struct {
	n    int
	last time.Time
}

type linkUses struct{ downloads, previews int64 }

const (
	hashingLinks = 2                // passwords hashed at once: what bounds their memory
	hashWait     = 10 * time.Second // for a place, then 503
	maxKnown     = 10_000           // right passwords remembered
	maxWrong     = 10_000           // links whose wrong passwords are counted
	freeWrong    = 10               // wrong passwords of one link, before the next has to wait
	maxWrongWait = time.Minute
)

func (l *linkState) ready(s *Service) {
	l.once.Do(func() {
		l.places = make(chan struct{}, hashingLinks)
		s.Random(l.secret[:])
	})
}

// enter waits for a place to hash in.
func (l *linkState) enter(ctx context.Context, s *Service) error {
	l.ready(s)
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case l.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return &content.Error{Kind: content.Unavailable, RetryAfter: time.Second, Message: "too many passwords are being checked at once: try again"}
	}
}

func (l *linkState) leave() { <-l.places }

// hash makes what is kept of a password.
func (l *linkState) hash(ctx context.Context, s *Service, password string) (string, error) {
	if err := l.enter(ctx, s); err != nil {
		return "", err
	}
	defer l.leave()
	return s.HashPassword(password), nil
}

// check compares a password with that of a link. A user who had it right before
// is told at once, so that clients may send it with every call, and is not held
// up by those who guess. Nobody else is: they would be told of a right guess
// while they have to wait.
func (l *linkState) check(ctx context.Context, s *Service, row meta.SharedLink, with LinkKey) error {
	password := with.Password
	if password == "" {
		return content.Errorf(content.LinkPassword, "this shared link has a password, and none came with it")
	}
	wrong := content.Errorf(content.LinkPassword, "this is not the password of the shared link")
	if len(password) > content.MaxLinkPassword {
		return wrong
	}
	l.ready(s)
	seal := hmac.New(sha256.New, l.secret[:])
	seal.Write([]byte(row.PasswordHash + "\x00" + with.By.String() + "\x00" + password))
	key := [32]byte(seal.Sum(nil))
	if with.By != 0 && l.isKnown(key) {
		return nil
	}
	if wait := l.attempt(stamp(row), s.Now()); wait > 0 {
		return &content.Error{Kind: content.RateLimited, RetryAfter: wait, Message: "too many wrong passwords for this shared link: try again later"}
	}
	if err := l.enter(ctx, s); err != nil {
		l.succeeded(stamp(row)) // nothing was tried
		return err
	}
	ok, err := s.CheckPassword(row.PasswordHash, password)
	l.leave()
	switch {
	case err != nil:
		return err
	case !ok:
		return wrong
	}
	l.succeeded(stamp(row))
	if with.By == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || len(l.known) >= maxKnown {
		l.known = map[[32]byte]struct{}{}
	}
	l.known[key] = struct{}{}
	return nil
}

func (l *linkState) isKnown(key [32]byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.known[key]
	return ok
}

// attempt counts an attempt as wrong before it is made, so that those side by
// side count too. If it comes too early it says how long to wait.
func (l *linkState) attempt(link uint64, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wrong == nil {
		l.wrong = map[uint64]wrongTries{}
	}
	if _, ok := l.wrong[link]; !ok && len(l.wrong) >= maxWrong {
		for id := range l.wrong { // any
			delete(l.wrong, id)
			if len(l.wrong) < maxWrong*3/4 {
				break
			}
		}
	}
	t := l.wrong[link]
	since := now.Sub(t.last)
	if since < 0 || since > 10*maxWrongWait {
		t = wrongTries{}
	}
	if t.n >= freeWrong {
		if pause := min(time.Second<<min(t.n-freeWrong, 10), maxWrongWait); since < pause {
			return pause - since
		}
	}
	l.wrong[link] = wrongTries{t.n + 1, now}
	return 0
}

// succeeded takes one attempt back.
func (l *linkState) succeeded(link uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.wrong[link]; t.n > 1 {
		l.wrong[link] = wrongTries{t.n - 1, t.last}
	} else {
		delete(l.wrong, link)
	}
}

// CountDownload and CountPreview note that a shared link was used. The count is
// kept in memory until FlushLinkUses, and lost with a crash.
func (s *Service) CountDownload(item content.ID) { s.links.count(item, linkUses{downloads: 1}) }

// CountPreview is described at CountDownload.
func (s *Service) CountPreview(item content.ID) { s.links.count(item, linkUses{previews: 1}) }

func (l *linkState) count(item content.ID, n linkUses) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.uses == nil {
		l.uses = map[content.ID]linkUses{}
	}
	u := l.uses[item]
	l.uses[item] = linkUses{u.downloads + n.downloads, u.previews + n.previews}
}

// FlushLinkUses writes the counts that have come together, in one transaction;
// none if there are none. What could not be written is kept for the next time.
func (s *Service) FlushLinkUses(ctx context.Context) error {
	l := &s.links
	l.mu.Lock()
	uses := l.uses
	l.uses = nil
	l.mu.Unlock()
	if len(uses) == 0 {
		return nil
	}
	err := s.Meta.Update(ctx, func(tx meta.Tx) error {
		for item, u := range uses {
			if err := tx.CountLinkUse(item, u.downloads, u.previews); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for item, u := range uses {
			l.count(item, u)
		}
	}
	return err
}
