package metatest

import (
	"sync"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

var accounts = []test{
	{"ASettingIsReplaced", func(t *testing.T, s meta.Store) {
		missing(t, s, "setting", func(tx meta.Tx) ([]byte, error) { return tx.Setting("key") })
		for _, v := range []string{"\x00\xffbytes", "", "longer than before"} {
			update(t, s, func(tx meta.Tx) error { return tx.PutSetting("key", []byte(v)) })
			equal(t, "setting", setting(t, s, "key"), v)
		}
		update(t, s, func(tx meta.Tx) error { return tx.PutSetting("key", nil) })
		equal(t, "setting", setting(t, s, "key"), "")
	}},
	{"AUserIsKeptWhole", func(t *testing.T, s meta.Store) {
		want := user(12, "Carol@Example.net", 102)
		want.Admin, want.Quota, want.Used, want.Reserved = true, 1<<40, 5, 7
		want.Status, want.AppUser, want.ExternalID = content.UserReads, true, "theirs"
		want.Profile = content.Profile{JobTitle: "Boss", Language: "de", SyncEnabled: true, TrackingCodes: []content.TrackingCode{{Name: "a", Value: "ü"}}}
		update(t, s, func(tx meta.Tx) error { return tx.InsertUser(want) })
		equal(t, "user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(12) }), want)
		missing(t, s, "user 13", func(tx meta.Tx) (content.User, error) { return tx.User(13) })
	}},
	{"LoginsIgnoreCase", func(t *testing.T, s meta.Store) {
		refused(t, s, content.LoginTaken, func(tx meta.Tx) error { return tx.InsertUser(user(12, "Alice@EXAMPLE.net", 102)) })
		missing(t, s, "refused user", func(tx meta.Tx) (content.User, error) { return tx.User(12) })
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.UserByLogin("ALICE@example.NET") })
		equal(t, "user", u, user(alice, "alice@example.net", aliceRoot))
		missing(t, s, "unknown login", func(tx meta.Tx) (content.User, error) { return tx.UserByLogin("carol@example.net") })
	}},
	{"UsersAreListedInOrderOfID", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error { return tx.InsertUser(user(5, "first@example.net", 102)) })
		var ids []content.ID
		for after := content.ID(0); ; {
			page := get(t, s, func(tx meta.Tx) ([]content.User, error) { return tx.Users(after, 2) })
			if len(page) == 0 {
				break
			}
			for _, u := range page {
				ids = append(ids, u.ID)
			}
			after = page[len(page)-1].ID
		}
		equal(t, "users", ids, []content.ID{5, alice, bob})
	}},
	{"UsageAddsUp", func(t *testing.T, s meta.Store) {
		update(t, s, func(tx meta.Tx) error {
			return first(tx.AddUsage(alice, 100, 30), tx.AddUsage(alice, 5, -10), tx.AddUsage(bob, 1, 0))
		})
		u := get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) })
		equal(t, "used and reserved", []int64{u.Used, u.Reserved}, []int64{105, 20})
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.AddUsage(999, 1, 1) })
	}},
	{"AQuotaIsReplacedAlone", func(t *testing.T, s meta.Store) {
		want := user(alice, "alice@example.net", aliceRoot)
		for _, want.Quota = range []int64{1 << 40, 5, 0} {
			update(t, s, func(tx meta.Tx) error { return tx.SetQuota(alice, want.Quota) })
			equal(t, "user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) }), want)
		}
		equal(t, "another user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(bob) }), user(bob, "bob@example.net", bobRoot))
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.SetQuota(999, 1) })
	}},
	{"TokensAreFoundByHash", func(t *testing.T, s meta.Store) {
		want := meta.Token{Hash: [32]byte{1, 2}, Kind: meta.DeveloperToken, User: alice, App: app, CreatedAt: start}
		ends := want
		ends.Hash, ends.App, ends.ExpiresAt = [32]byte{1, 3}, "", start.Add(time.Hour)
		update(t, s, func(tx meta.Tx) error { return first(tx.InsertToken(want), tx.InsertToken(ends)) })
		for _, want := range []meta.Token{want, ends} {
			equal(t, "token", get(t, s, func(tx meta.Tx) (meta.Token, error) { return tx.Token(want.Hash) }), want)
		}
		missing(t, s, "token", func(tx meta.Tx) (meta.Token, error) { return tx.Token([32]byte{9}) })
	}},
	{"TokensOfOneUserAndKindAreDeleted", func(t *testing.T, s meta.Store) {
		token := func(n byte, user content.ID, kind meta.TokenKind) meta.Token {
			return meta.Token{Hash: [32]byte{n}, Kind: kind, User: user, App: app, CreatedAt: start}
		}
		all := []meta.Token{token(1, alice, meta.DeveloperToken), token(2, alice, meta.DeveloperToken), token(3, alice, "other"), token(4, bob, meta.DeveloperToken)}
		update(t, s, func(tx meta.Tx) error {
			for _, one := range all {
				if err := tx.InsertToken(one); err != nil {
					return err
				}
			}
			return tx.DeleteTokens(alice, meta.DeveloperToken)
		})
		for _, one := range all[:2] {
			missing(t, s, "deleted token", func(tx meta.Tx) (meta.Token, error) { return tx.Token(one.Hash) })
		}
		for _, one := range all[2:] {
			equal(t, "token", get(t, s, func(tx meta.Tx) (meta.Token, error) { return tx.Token(one.Hash) }), one)
		}
		update(t, s, func(tx meta.Tx) error { return tx.DeleteTokens(999, meta.DeveloperToken) })
	}},
	{"AUserIsChangedWhole", func(t *testing.T, s meta.Store) {
		want := user(alice, "Other@example.net", aliceRoot)
		want.Name, want.Admin, want.Quota, want.ModifiedAt = "Äpfel", true, -1, start.Add(time.Hour)
		want.Status, want.ExternalID, want.Profile.Phone = content.UserInactive, "x", "1"
		update(t, s, func(tx meta.Tx) error { return tx.UpdateUser(want) })
		equal(t, "user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) }), want)
		taken := want
		taken.Login = "BOB@example.net"
		refused(t, s, content.LoginTaken, func(tx meta.Tx) error { return tx.UpdateUser(taken) })
		want.Login = "OTHER@example.net" // only the case
		update(t, s, func(tx meta.Tx) error { return tx.UpdateUser(want) })
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.UpdateUser(user(999, "n@example.net", 1)) })
	}},
	{"UsersAreFound", func(t *testing.T, s meta.Store) {
		carol := user(12, "carol@example.net", 102)
		carol.Name, carol.AppUser, carol.ExternalID = "Älice", true, "c%"
		update(t, s, func(tx meta.Tx) error { return tx.InsertUser(carol) })
		yes, no := true, false
		for name, c := range map[string]struct {
			q    meta.UserQuery
			want []content.ID
			all  int64 // without paging
		}{
			"all":             {meta.UserQuery{Limit: 9}, []content.ID{alice, bob, 12}, 3},
			"none":            {meta.UserQuery{}, nil, 3},
			"page":            {meta.UserQuery{Limit: 1, Offset: 1}, []content.ID{bob}, 3},
			"after":           {meta.UserQuery{Limit: 9, After: alice}, []content.ID{bob, 12}, 3},
			"login's prefix":  {meta.UserQuery{Limit: 9, Prefix: "ALI"}, []content.ID{alice}, 1},
			"name's prefix":   {meta.UserQuery{Limit: 9, Prefix: "äL"}, []content.ID{12}, 1},
			"not its middle":  {meta.UserQuery{Limit: 9, Prefix: "lice"}, nil, 0},
			"no pattern":      {meta.UserQuery{Limit: 9, Prefix: "%"}, nil, 0},
			"app users":       {meta.UserQuery{Limit: 9, AppUsers: &yes}, []content.ID{12}, 1},
			"others":          {meta.UserQuery{Limit: 9, AppUsers: &no}, []content.ID{alice, bob}, 2},
			"external id":     {meta.UserQuery{Limit: 9, ExternalID: "c%"}, []content.ID{12}, 1},
			"one":             {meta.UserQuery{Limit: 9, Only: bob}, []content.ID{bob}, 1},
			"one, but no one": {meta.UserQuery{Limit: 9, Only: bob, Prefix: "alice"}, nil, 0},
		} {
			var ids []content.ID
			for _, u := range get(t, s, func(tx meta.Tx) ([]content.User, error) { return tx.FindUsers(c.q) }) {
				ids = append(ids, u.ID)
			}
			equal(t, name, ids, c.want)
			equal(t, "count of "+name, get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountUsers(c.q) }), c.all)
		}
	}},
	{"ADeletedUserIsAMemory", func(t *testing.T, s meta.Store) {
		at := start.Add(time.Hour)
		update(t, s, func(tx meta.Tx) error {
			return first(
				tx.SetPassword(alice, "hash"),
				tx.InsertToken(meta.Token{Hash: [32]byte{1}, Kind: meta.AccessToken, User: alice, CreatedAt: start}),
				tx.DeleteUser(alice, at))
		})
		want := user(alice, "alice@example.net", aliceRoot)
		want.DeletedAt = at
		equal(t, "user", get(t, s, func(tx meta.Tx) (content.User, error) { return tx.User(alice) }), want)
		equal(t, "password", get(t, s, func(tx meta.Tx) (string, error) { return tx.Password(alice) }), "")
		missing(t, s, "login", func(tx meta.Tx) (content.User, error) { return tx.UserByLogin("alice@example.net") })
		missing(t, s, "token", func(tx meta.Tx) (meta.Token, error) { return tx.Token([32]byte{1}) })
		equal(t, "found", get(t, s, func(tx meta.Tx) (int64, error) { return tx.CountUsers(meta.UserQuery{}) }), int64(1))
		equal(t, "to be purged", get(t, s, func(tx meta.Tx) ([]content.User, error) { return tx.DeletedUsers(9) }), []content.User{want})
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.DeleteUser(alice, at) })
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.UpdateUser(want) })
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.Purged(bob) })
		update(t, s, func(tx meta.Tx) error {
			return first(tx.Purged(alice), tx.InsertUser(user(12, "ALICE@example.net", 102)))
		})
		equal(t, "still to be purged", len(get(t, s, func(tx meta.Tx) ([]content.User, error) { return tx.DeletedUsers(9) })), 0)
	}},
	{"PasswordsAreReplaced", func(t *testing.T, s meta.Store) {
		password := func() string {
			return get(t, s, func(tx meta.Tx) (string, error) { return tx.Password(alice) })
		}
		equal(t, "password", password(), "")
		update(t, s, func(tx meta.Tx) error { return tx.SetPassword(alice, "one") })
		equal(t, "password", password(), "one")
		update(t, s, func(tx meta.Tx) error { return tx.SetPassword(alice, "") })
		equal(t, "password", password(), "")
		missing(t, s, "password", func(tx meta.Tx) (string, error) { return tx.Password(999) })
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.SetPassword(999, "x") })
	}},
	{"OpenSessionsOfAUser", func(t *testing.T, s meta.Store) {
		done := session(2, alice)
		done.State = content.Aborted
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertSession(session(1, alice)), tx.InsertSession(done), tx.InsertSession(session(3, bob)))
		})
		equal(t, "sessions", get(t, s, func(tx meta.Tx) ([]meta.Session, error) { return tx.OpenSessions(alice, 9) }), []meta.Session{session(1, alice)})
		equal(t, "no sessions", len(get(t, s, func(tx meta.Tx) ([]meta.Session, error) { return tx.OpenSessions(alice, 0) })), 0)
	}},
	{"AnAppIsKeptWhole", func(t *testing.T, s meta.Store) {
		want := meta.App{ID: "b", Name: "B", SecretHash: [32]byte{2}, RedirectURIs: []string{"a:b", "c"}, Grants: []string{"g"}, Service: bob, CreatedAt: start}
		update(t, s, func(tx meta.Tx) error { return tx.InsertApp(want) })
		one := func() meta.App { return get(t, s, func(tx meta.Tx) (meta.App, error) { return tx.App("b") }) }
		equal(t, "app", one(), want)
		refused(t, s, content.NameTaken, func(tx meta.Tx) error { return tx.InsertApp(want) })
		want.Name, want.SecretHash, want.RedirectURIs, want.Grants, want.Service = "C", [32]byte{3}, nil, []string{"h", "i"}, 0
		update(t, s, func(tx meta.Tx) error { return tx.UpdateApp(want) })
		equal(t, "app", one(), want)
		missing(t, s, "app", func(tx meta.Tx) (meta.App, error) { return tx.App("B") })
		refused(t, s, content.NotFound, func(tx meta.Tx) error { return tx.UpdateApp(meta.App{ID: "none"}) })
		equal(t, "apps", get(t, s, func(tx meta.Tx) ([]meta.App, error) { return tx.Apps(app, 9) }), []meta.App{want})
		equal(t, "number of apps", len(get(t, s, func(tx meta.Tx) ([]meta.App, error) { return tx.Apps("", 1) })), 1)
	}},
	{"AnAppGoesWithKeysAndTokens", func(t *testing.T, s meta.Store) {
		key := meta.AppKey{App: app, ID: "k1", Public: []byte{1, 2}, CreatedAt: start}
		other := key
		other.ID = "k0"
		update(t, s, func(tx meta.Tx) error {
			return first(tx.InsertKey(key), tx.InsertKey(other),
				tx.InsertToken(meta.Token{Hash: [32]byte{1}, Kind: meta.AccessToken, User: alice, App: app}),
				tx.InsertToken(meta.Token{Hash: [32]byte{2}, Kind: meta.AccessToken, User: alice}))
		})
		keys := func() []meta.AppKey {
			return get(t, s, func(tx meta.Tx) ([]meta.AppKey, error) { return tx.Keys(app) })
		}
		equal(t, "keys", keys(), []meta.AppKey{other, key})
		refused(t, s, content.NameTaken, func(tx meta.Tx) error { return tx.InsertKey(key) })
		update(t, s, func(tx meta.Tx) error { return tx.DeleteKey(app, "k0") })
		equal(t, "keys", keys(), []meta.AppKey{key})
		update(t, s, func(tx meta.Tx) error { return tx.DeleteApp(app) })
		equal(t, "number of keys", len(keys()), 0)
		missing(t, s, "app", func(tx meta.Tx) (meta.App, error) { return tx.App(app) })
		missing(t, s, "its token", func(tx meta.Tx) (meta.Token, error) { return tx.Token([32]byte{1}) })
		get(t, s, func(tx meta.Tx) (meta.Token, error) { return tx.Token([32]byte{2}) })
	}},
	{"ATokenIsTakenOnce", func(t *testing.T, s meta.Store) {
		want := meta.Token{Hash: [32]byte{1}, Kind: meta.Code, User: alice, App: app, Grant: "g", Detail: "{}", CreatedAt: start, ExpiresAt: start.Add(time.Second)}
		update(t, s, func(tx meta.Tx) error { return tx.InsertToken(want) })
		const tries = 8
		var wg sync.WaitGroup
		got := make(chan meta.Token, tries)
		for range tries {
			wg.Go(func() {
				var one meta.Token
				err := s.Update(t.Context(), func(tx meta.Tx) (err error) {
					one, err = tx.TakeToken(want.Hash)
					return err
				})
				switch {
				case err == nil:
					got <- one
				case !content.Is(err, content.NotFound):
					t.Errorf("take: %v", err)
				}
			})
		}
		wg.Wait()
		equal(t, "times taken", len(got), 1)
		equal(t, "token", <-got, want)
	}},
	{"TokensGoTogether", func(t *testing.T, s meta.Store) {
		token := func(n byte, grant string, parent byte) meta.Token {
			return meta.Token{Hash: [32]byte{n}, Kind: meta.AccessToken, User: alice, Grant: grant, Parent: [32]byte{parent}, CreatedAt: start}
		}
		left := func() (left []byte) {
			for n := range byte(9) {
				s.View(t.Context(), func(tx meta.Tx) error {
					if _, err := tx.Token([32]byte{n}); err == nil {
						left = append(left, n)
					}
					return nil
				})
			}
			return left
		}
		update(t, s, func(tx meta.Tx) error {
			for _, one := range []meta.Token{token(1, "g", 0), token(2, "g", 0), token(3, "", 1), token(4, "", 3), token(5, "h", 0), token(6, "", 5), token(7, "", 0)} {
				if err := tx.InsertToken(one); err != nil {
					return err
				}
			}
			return nil
		})
		equal(t, "token", get(t, s, func(tx meta.Tx) (meta.Token, error) { return tx.Token([32]byte{3}) }), token(3, "", 1))
		update(t, s, func(tx meta.Tx) error { return tx.DeleteGrant("g") })
		equal(t, "left of the grant", left(), []byte{5, 6, 7})
		update(t, s, func(tx meta.Tx) error { return tx.DeleteGrant("") })
		equal(t, "left of no grant", left(), []byte{5, 6, 7})
		update(t, s, func(tx meta.Tx) error { _, err := tx.TakeToken([32]byte{5}); return err })
		equal(t, "left of the parent", left(), []byte{7})
	}},
	{"AnAssertionIsUsedOnce", func(t *testing.T, s meta.Store) {
		use := func(n byte) bool {
			var fresh bool
			update(t, s, func(tx meta.Tx) (err error) {
				fresh, err = tx.UseAssertion([32]byte{n}, start)
				return err
			})
			return fresh
		}
		equal(t, "uses", []bool{use(1), use(1), use(2)}, []bool{true, false, true})
	}},
	{"ExpiredTokensAreSwept", func(t *testing.T, s meta.Store) {
		token := func(n byte, expires time.Time) meta.Token {
			return meta.Token{Hash: [32]byte{n}, Kind: meta.AccessToken, User: alice, CreatedAt: start, ExpiresAt: expires}
		}
		sweep := func(tokens, assertions time.Time, limit int) (n int64) {
			update(t, s, func(tx meta.Tx) (err error) {
				n, err = tx.SweepTokens(tokens, assertions, limit)
				return err
			})
			return n
		}
		update(t, s, func(tx meta.Tx) error {
			_, err := tx.UseAssertion([32]byte{1}, start)
			return first(err, tx.InsertToken(token(1, start)), tx.InsertToken(token(2, start.Add(time.Second))),
				tx.InsertToken(token(3, start.Add(time.Minute))), tx.InsertToken(token(4, time.Time{})))
		})
		equal(t, "too early", sweep(start.Add(-1*time.Second), start.Add(-time.Second), 9), int64(0))
		equal(t, "one and its assertion", sweep(start.Add(time.Second), start, 1), int64(2))
		equal(t, "the other", sweep(start.Add(time.Second), start, 9), int64(1))
		for _, n := range []byte{3, 4} {
			get(t, s, func(tx meta.Tx) (meta.Token, error) { return tx.Token([32]byte{n}) })
		}
	}},
}
