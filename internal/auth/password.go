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
	keys := []string{"l\x00" + content.NameKey(login) + "\x00" + address, "a\x00" + address}
	if wait := s.guard.attempt(s.Now(), keys); wait > 0 {
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
	s.guard.succeeded(keys)
	return user, nil
}

var errSignIn = content.Errorf(content.Unauthorized, "this is not a login with its password")

// guard slows down who guesses passwords. The zero guard is ready.
type guard struct {
	mu    sync.Mutex
	tries map[string]tries

	once   sync.Once
	places chan struct{}
}

type tries struct {
	n    int
	last time.Time
}

const (
	freeTries   = 5  // of one login from one address, before they have to wait
	freeAddress = 50 // of all logins from one address
	maxWait     = 15 * time.Minute
	maxTries    = 20_000 // entries kept
	hashWait    = 10 * time.Second
)

// attempt counts an attempt as failed before it is made, so that those side by
// side count too. If it comes too early it returns how long to wait.
func (g *guard) attempt(now time.Time, keys []string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tries == nil || len(g.tries) >= maxTries {
		g.forget(now)
	}
	for i, key := range keys {
		wait = max(wait, g.tries[key].wait(now, []int{freeTries, freeAddress}[i]))
	}
	if wait > 0 {
		return wait
	}
	for _, key := range keys {
		t := g.tries[key]
		if now.Sub(t.last) > maxWait {
			t.n = 0
		}
		g.tries[key] = tries{t.n + 1, now}
	}
	return 0
}

// wait doubles with each attempt beyond the free ones.
func (t tries) wait(now time.Time, free int) time.Duration {
	if t.n < free {
		return 0
	}
	pause := min(time.Second<<min(t.n-free, 20), maxWait)
	return max(0, pause-now.Sub(t.last))
}

// forget makes room: of those that are over, else of any.
func (g *guard) forget(now time.Time) {
	if g.tries == nil {
		g.tries = map[string]tries{}
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

func (g *guard) succeeded(keys []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tries, keys[0])
	if t := g.tries[keys[1]]; t.n > 0 {
		g.tries[keys[1]] = tries{t.n - 1, t.last}
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
