package httpapi_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"boxcar/internal/httpapi"
)

// A handler that panics is a bug, and whoever runs the server has to find it
// in the log, with the place.
func TestPanicsAreLoggedWithTheirPlace(t *testing.T) {
	var log bytes.Buffer
	s := httpapi.New(httpapi.Config{
		Now: time.Now, Random: func([]byte) {}, Log: slog.New(slog.NewJSONHandler(&log, nil)),
		Ready: func(*http.Request) error { panic("a bug") },
	})
	func() {
		defer func() { recover() }()
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/readyz", nil))
	}()
	for _, want := range []string{`"level":"ERROR"`, "a bug", "panic_test.go"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s: %s", want, &log)
		}
	}
}
