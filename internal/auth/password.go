package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// What a password costs to check: argon2id with the least that OWASP asks for.
// Hashes carry their own, so that these may change.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	saltLen     = 16
	sumLen      = 32

	minPassword = 8    // bytes
	maxPassword = 1024 // bytes
)

// hashing bounds how many passwords are hashed at once, and so their memory.
const hashing = 2

// hashPassword makes what is kept of a password: $argon2id$v=19$m=,t=,p=$salt$sum.
func (s *Service) hashPassword(password string) string {
	salt := make([]byte, saltLen)
	s.Random(salt)
	sum := key(password, salt, argonTime, argonMemory, 1, sumLen)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, argonMemory, argonTime, b64(salt), b64(sum))
}

// checkPassword says whether a password is the one that was hashed. With
// nothing to compare it takes as long, and says no.
func checkPassword(hashed, password string) (bool, error) {
	known := hashed != ""
	if !known {
		hashed = nobody
	}
	var version, memory, rounds, threads uint32
	parts := strings.Split(hashed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("a password is kept in a form that is not known")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &rounds, &threads); err != nil || version != argon2.Version {
		return false, fmt.Errorf("a password is kept with parameters that are not known")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, err
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, err
	}
	got := key(password, salt, rounds, memory, uint8(threads), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// key is argon2id, which gives its memory back at once: left to the collector,
// it would be a server's whole need again until somebody else has use for it.
func key(password string, salt []byte, rounds, memory uint32, threads uint8, size uint32) []byte {
	defer debug.FreeOSMemory()
	return argon2.IDKey([]byte(password), salt, rounds, memory, threads, size)
}

// nobody is the hash of what nobody can type.
var nobody = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, argonMemory, argonTime,
	strings.Repeat("A", saltLen*4/3+1), strings.Repeat("A", sumLen*4/3+1))

// CheckPassword says whether a text can be a password.
func CheckPassword(password string) error {
	if len(password) < minPassword || len(password) > maxPassword {
		return content.Errorf(content.BadRequest, "a password has %d to %d bytes, not %d", minPassword, maxPassword, len(password))
	}
	return nil
}

// SetPassword sets a user's password, or takes it away if it is "".
func (s *Service) SetPassword(ctx context.Context, user content.ID, password string) error {
	hashed := ""
	if password != "" {
		if err := CheckPassword(password); err != nil {
			return err
		}
		hashed = s.hashPassword(password)
	}
	return s.Meta.Update(ctx, func(tx meta.Tx) error { return tx.SetPassword(user, hashed) })
}

// NewPassword makes one up.
func (s *Service) NewPassword() string { return s.text(10) }

// SignIn gives the user with a login and password. address is where the request
// comes from. The errors are content.Unauthorized, whatever is wrong with the
// two, content.RateLimited after too many of those, and content.Unavailable.
func (s *Service) SignIn(ctx context.Context, login, password, address string) (user content.User, err error) {
	if len(password) > maxPassword || len(login) > maxLogin {
		return user, errSignIn
	}
	one, all := keyFor(forLogin, "login", content.NameKey(login), address), keyFor(forAddress, "address", address)
	if wait := s.guard.attempt(s.Now(), one, all); wait > 0 {
		return user, &content.Error{Kind: content.RateLimited, RetryAfter: wait, Message: "too many attempts to log in: try again later"}
	}
	if err := s.guard.enter(ctx); err != nil {
		return user, err
	}
	defer s.guard.leave()
	var hashed string
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		u, err := tx.UserByLogin(login)
		if content.Is(err, content.NotFound) {
			return nil
		}
		if err == nil {
			user = u
			hashed, err = tx.Password(u.ID)
		}
		return err
	})
	if err != nil {
		return content.User{}, err
	}
	ok, err := checkPassword(hashed, password)
	if err != nil {
		return content.User{}, err
	}
	if !ok || !user.Live() {
		return content.User{}, errSignIn
	}
	s.guard.succeeded(one, all)
	return user, nil
}

var errSignIn = content.Errorf(content.Unauthorized, "this is not a login with its password")

// guard slows down who guesses. The zero guard is ready.
type guard struct {
	mu    sync.Mutex
	tries map[[32]byte]tries

	once   sync.Once
	places chan struct{}
}

type tries struct {
	n    int
	last time.Time
}

// patience is how many attempts may fail before the next has to wait, which
// doubles with each from a second on, up to the longest.
type patience struct {
	free    int
	longest time.Duration
}

var (
	forLogin   = patience{5, maxWait}  // of one login from one address
	forAddress = patience{50, maxWait} // of all logins from one address
	// forClient is short, since programs try again by themselves, and one
	// with an old secret must not keep out the others of its address for long.
	forClient = patience{20, 30 * time.Second} // of one application from one address
)

const (
	maxWait  = 15 * time.Minute // after that much quiet, all is forgotten
	maxTries = 20_000           // entries kept
	hashWait = 10 * time.Second
)

// guardKey is whose attempts are counted together.
type guardKey struct {
	of [32]byte
	patience
}

// keyFor is short, however long what clients send.
func keyFor(p patience, words ...string) guardKey {
	return guardKey{hash(strings.Join(words, "\x00")), p}
}

// attempt counts an attempt as failed before it is made, so that those side by
// side count too. If it comes too early it returns how long to wait.
func (g *guard) attempt(now time.Time, keys ...guardKey) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait = g.early(now, keys); wait == 0 {
		g.count(now, keys)
	}
	return wait
}

// judge is attempt for what has been checked and not been told yet: what is
// right is not counted, however many there are side by side. What comes too
// early is not to be told.
func (g *guard) judge(now time.Time, key guardKey, right bool) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	keys := []guardKey{key}
	switch wait = g.early(now, keys); {
	case wait > 0:
	case right:
		delete(g.tries, key.of)
	default:
		g.count(now, keys)
	}
	return wait
}

// early is how long to wait. The lock is held, as for those below.
func (g *guard) early(now time.Time, keys []guardKey) (wait time.Duration) {
	for _, k := range keys {
		wait = max(wait, g.tries[k.of].wait(now, k.patience))
	}
	return wait
}

func (g *guard) count(now time.Time, keys []guardKey) {
	if g.tries == nil || len(g.tries) >= maxTries {
		g.forget(now)
	}
	for _, k := range keys {
		t := g.tries[k.of]
		if now.Sub(t.last) > maxWait {
			t.n = 0
		}
		g.tries[k.of] = tries{t.n + 1, now}
	}
}

func (t tries) wait(now time.Time, p patience) time.Duration {
	if t.n < p.free {
		return 0
	}
	pause := min(time.Second<<min(t.n-p.free, 20), p.longest)
	return max(0, pause-now.Sub(t.last))
}

// forget makes room: of those that are over, else of any.
func (g *guard) forget(now time.Time) {
	if g.tries == nil {
		g.tries = map[[32]byte]tries{}
	}
	for key, t := range g.tries {
		if now.Sub(t.last) > maxWait {
			delete(g.tries, key)
		}
	}
	for key := range g.tries {
		if len(g.tries) < maxTries/2 {
			break
		}
		delete(g.tries, key)
	}
}

func (g *guard) succeeded(login, address guardKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tries, login.of)
	if t := g.tries[address.of]; t.n > 0 {
		g.tries[address.of] = tries{t.n - 1, t.last}
	}
}

// enter waits for a place to hash in.
func (g *guard) enter(ctx context.Context) error {
	g.once.Do(func() { g.places = make(chan struct{}, hashing) })
	timer := time.NewTimer(hashWait)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return &content.Error{Kind: content.Unavailable, RetryAfter: time.Second, Message: "too many people log in at once: try again"}
	}
}

func (g *guard) leave() { <-g.places }
