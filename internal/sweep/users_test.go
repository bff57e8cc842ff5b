package sweep_test

import (
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/sweep"
)

func TestWhatADeletedUserHadIsClearedAway(t *testing.T) {
	d := newData(t)
	d.update(func(tx meta.Tx) error { return tx.DeleteUser(d.user, d.now) })
	done, err := d.sweep.Sweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if done.Deleted != 1 {
		t.Errorf("swept %+v, want one user", done)
	}
	for blob, err := range d.blobs.List(t.Context()) {
		t.Errorf("blob %v is still there (%v)", blob.Key, err)
	}
	err = d.rows.View(t.Context(), func(tx meta.Tx) error {
		for _, id := range []content.ID{d.item.ID, d.root} {
			if _, err := tx.Item(id); !content.Is(err, content.NotFound) {
				t.Errorf("item %v gives %v", id, err)
			}
		}
		u, err := tx.User(d.user)
		if err != nil {
			return err
		}
		if u.Used != 0 || u.Reserved != 0 {
			t.Errorf("%d bytes are used and %d reserved by nobody", u.Used, u.Reserved)
		}
		ses, err := tx.Session(d.session.ID)
		if ses.State != content.Aborted {
			t.Errorf("the session is %s", ses.State)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if done, err := d.sweep.Sweep(t.Context()); err != nil || done.Deleted != 0 {
		t.Errorf("the next sweep did %+v, %v", done, err)
	}
	report, err := d.sweep.Check(t.Context())
	if err != nil || len(report.Broken) > 0 {
		t.Errorf("check: %v, %v", report.Broken, err)
	}
}

func TestTokensAreForgottenLongAfterTheyExpire(t *testing.T) {
	d := newData(t)
	token := meta.Token{Hash: [32]byte{1}, Kind: meta.AccessToken, User: d.user, CreatedAt: d.now, ExpiresAt: d.now.Add(time.Hour)}
	d.update(func(tx meta.Tx) error {
		if _, err := tx.UseAssertion([32]byte{2}, d.now.Add(time.Minute)); err != nil {
			return err
		}
		return tx.InsertToken(token)
	})
	for _, step := range []struct {
		at   time.Duration
		gone int
	}{{0, 0}, {time.Minute, 1}, {2 * time.Hour, 0}, {time.Hour + sweep.ExpiredTokens, 1}} {
		start := d.now
		d.now = d.now.Add(step.at)
		done, err := d.sweep.Sweep(t.Context())
		if err != nil || done.Tokens != step.gone {
			t.Errorf("after %s: swept %+v, %v, want %d tokens", step.at, done, err, step.gone)
		}
		d.now = start
	}
}
