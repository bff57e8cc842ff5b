package httpapi_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/httpapi"
)

// A client that hangs up while the server is at work is no fault of the
// server's, neither by the status nor in the log.
func TestAClientThatHangsUpIsNoFault(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	log := &alarms{}
	s := httpapi.New(httpapi.Config{Auth: w.Auth, Now: time.Now, Random: func([]byte) {}, Log: slog.New(log)})
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	embed := w.Auth.Sign(auth.Grant{User: w.Credentials.Admin.ID, File: content.ID(1), Until: time.Now().Add(time.Hour), Use: auth.ForEmbed})
	for _, path := range []string{"/2.0/users/me", "/preview/expiring_embed/" + embed} {
		r := httptest.NewRequestWithContext(gone, "GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+w.token)
		to := httptest.NewRecorder()
		s.ServeHTTP(to, r)
		if to.Code != 400 || strings.Contains(to.Body.String(), "canceled") {
			t.Errorf("%s: %d %s", path, to.Code, to.Body)
		}
	}
	if said := log.take(); len(said) > 0 {
		t.Errorf("the log says %v", said)
	}
}
