package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"boxcar/boxapi"
)

// Error is a request that the server refused, or answered with something that
// can't be what was asked for.
type Error struct {
	Op        string // what was asked, such as "GET /files/12"
	Status    int    // the HTTP status; 0 if it was not sent, since the server would refuse it
	Code      string // one of boxapi's Code constants, or another; "" if the server gave none
	Message   string
	RequestID string              // for Box's support, or the server's log; may be ""
	Context   *boxapi.ContextInfo // may be nil

	// RetryAfter is how long the server asked to wait, if HasRetryAfter.
	RetryAfter    time.Duration
	HasRetryAfter bool
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Status != 0 || e.Code != "" {
		b.WriteByte(':')
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, " %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// Is makes a 401 ErrUnauthorized and a name that is taken ErrNameInUse.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrNameInUse:
		return e.Code == boxapi.CodeItemNameInUse
	default:
		return false
	}
}

// Conflict is the item that has the name that was asked for, or nil.
func (e *Error) Conflict() boxapi.Item {
	if e.Context == nil || e.Context.Conflicts == nil {
		return nil
	}
	return e.Context.Conflicts.Item
}

var (
	// ErrUnauthorized says that the server takes none of the tokens that the
	// source has, or that no token is to be had.
	ErrUnauthorized = errors.New("no token that the server takes")

	// ErrNameInUse says that an item has the name that an upload, a folder or a
	// move wanted.
	ErrNameInUse = errors.New("the name is in use")

	// ErrSourceChanged says that a source is not, or no longer, what was sent of
	// it before.
	ErrSourceChanged = errors.New("the source has changed")

	// ErrCorrupt says that what arrived, here or there, is not what was sent.
	ErrCorrupt = errors.New("the bytes that arrived are not those that were sent")

	// ErrStreamUsed says that an upload would have to begin again, and that its
	// source can be read only once.
	ErrStreamUsed = errors.New("the stream can't be read again")

	// ErrTooLarge says that a stream has more bytes than may be spooled.
	ErrTooLarge = errors.New("the stream is larger than what may be spooled")

	// errSource says that reading the source failed, so that there is no point in
	// sending again.
	errSource = errors.New("reading the source")

	// errIdle ends a request in which no byte moved for Config.Idle.
	errIdle = errors.New("no byte moved for too long")
)

// IsNotFound says whether what was asked for does not exist, any more or for
// this user, or is in the trash.
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsConflict says whether something is in the way: an item of the same name, a
// session that is being committed.
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsForbidden says whether the user, or the token, may not do what was asked.
func IsForbidden(err error) bool { return hasStatus(err, http.StatusForbidden) }

// IsPreconditionFailed says whether an item is not as If-Match wanted it.
func IsPreconditionFailed(err error) bool { return hasStatus(err, http.StatusPreconditionFailed) }

// IsRateLimited says whether the server wants fewer requests.
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

// HasCode says whether err is an Error with one of those codes.
func HasCode(err error, codes ...string) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range codes {
		if e.Code == code {
			return true
		}
	}
	return false
}

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

// parseError makes an Error of a reply. Upload hosts have been seen to send only
// code, message and request_id, proxies send pages of HTML, and a 401 has no body:
// whatever can be read is kept, and the status is HTTP's.
func parseError(op string, status int, h http.Header, body []byte) *Error {
	e := &Error{Op: op, Status: status, RequestID: h.Get("Box-Request-Id")}
	e.RetryAfter, e.HasRetryAfter = retryAfter(h)

	var sent struct {
		Code        string          `json:"code"`
		Message     string          `json:"message"`
		RequestID   string          `json:"request_id"`
		ContextInfo json.RawMessage `json:"context_info"`
		OAuth       string          `json:"error"` // of the token endpoint, and of some gateways
		Description string          `json:"error_description"`
	}
	// A value of another type spoils its own key only.
	_ = json.Unmarshal(body, &sent)
	e.Code, e.Message = clip(sent.Code), clip(sent.Message)
	if sent.RequestID != "" {
		e.RequestID = clip(sent.RequestID)
	}
	if e.Code == "" {
		e.Code = clip(sent.OAuth)
	}
	if e.Message == "" {
		e.Message = clip(sent.Description)
	}
	if len(sent.ContextInfo) > 0 {
		var info boxapi.ContextInfo
		if boxapi.DecodeReply(sent.ContextInfo, &info) == nil {
			e.Context = &info
		}
	}
	if e.Message == "" {
		e.Message = strings.ToLower(http.StatusText(status))
		if why := h.Get("WWW-Authenticate"); status == http.StatusUnauthorized && why != "" {
			e.Message = clip(why)
		}
	}
	return e
}

// clip keeps outside text to a length fit for a message.
func clip(s string) string {
	const most = 1000
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
