package httpapi_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"boxcar/internal/auth"
)

// What waits for one person is had once, however many ask at once, and not
// after its time, nor with another sort of token.
func TestHandouts(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	hand := func() string {
		token, err := w.Auth.HandOut(t.Context(), []byte(`{"secret":"of an application"}`))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	token := hand()
	w.do(t, "GET", "/2.0/users/me", nil, "Authorization", "Bearer "+token).want(401)
	w.do(t, "HEAD", "/app_config/"+token, nil).want(405) // does not use it up
	w.do(t, "POST", "/app_config/"+token, nil).refused(405, "method_not_allowed")
	r := w.do(t, "GET", "/app_config/"+token, nil, "Authorization", "").want(200)
	if string(r.body) != `{"secret":"of an application"}` || r.header.Get("Content-Disposition") != `attachment; filename="config.json"` ||
		r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(r)
	}
	w.do(t, "GET", "/app_config/"+token, nil).refused(404, "not_found")

	token = hand()
	var had atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if w.do(t, "GET", "/app_config/"+token, nil).status == 200 {
				had.Add(1)
			}
		})
	}
	all.Wait()
	if had.Load() != 1 {
		t.Errorf("%d had it", had.Load())
	}

	token = hand()
	w.do(t, "GET", "/app_config/"+w.token, nil).refused(404, "not_found")
	w.do(t, "GET", "/2.0/users/me", nil).want(200) // the token is as good as it was
	w.Clock.Add(auth.HandoutLife + time.Second)
	w.do(t, "GET", "/app_config/"+token, nil).refused(404, "not_found")
}
