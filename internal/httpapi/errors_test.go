package httpapi

import (
	"net/http"
	"testing"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

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
