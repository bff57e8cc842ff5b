package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// Only what comes of the client's going is excused by it.
func TestGone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := &call{Request: httptest.NewRequestWithContext(ctx, "GET", "/", nil)}
	stopped, own := fmt.Errorf("get user: %w", context.Canceled), errors.New("disk on fire")
	if err := c.gone(stopped); kindOf(err) != content.Internal {
		t.Errorf("with the client there, it is %v", err)
	}
	cancel()
	if err := c.gone(stopped); kindOf(err) != content.BadRequest || !errors.Is(err, context.Canceled) {
		t.Errorf("with the client gone, it is %v", err)
	}
	if err := c.gone(own); kindOf(err) != content.Internal {
		t.Errorf("what is wrong for another reason is %v", err)
	}
	if c.gone(nil) != nil {
		t.Error("what went well did not")
	}
}

func TestEveryKindHasAReply(t *testing.T) {
	if len(replies) != content.Kinds {
		t.Errorf("%d replies for %d kinds", len(replies), content.Kinds)
	}
	for kind := range content.Kinds {
		r, ok := replies[content.Kind(kind)]
		if !ok || http.StatusText(r.status) == "" {
			t.Errorf("kind %d is answered with status %d", kind, r.status)
		}
	}
	// What nobody classified is not told.
	if status, code, text := Answer(http.ErrBodyNotAllowed); status != 500 || code != boxapi.CodeInternalServerError || text != "Internal Server Error" {
		t.Errorf("an unknown error is answered with %d %s %q", status, code, text)
	}
}
