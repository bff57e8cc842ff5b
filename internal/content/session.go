package content

import "time"

// SessionState is where an upload session stands in its life.
type SessionState string

const (
	Open       SessionState = "open"
	Committing SessionState = "committing" // under a lease; open again when it ends
	Committed  SessionState = "committed"  // a tombstone that answers repeats
	Aborted    SessionState = "aborted"
	Expired    SessionState = "expired" // swept: parts and reservation are gone
)

// Remembered is how long after its expiry a session that is over still answers.
const Remembered = 7 * 24 * time.Hour

// SessionID is 128 random bits in upper-case hex, 32 digits.
type SessionID string

// ParseSessionID accepts the id in either case.
func ParseSessionID(s string) (SessionID, error) {
	b := []byte(s)
	if len(b) != 32 {
		return "", Errorf(InvalidSessionID, "%.40q is not an upload session id: those have 32 hexadecimal digits", s)
	}
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'F':
		case c >= 'a' && c <= 'f':
			b[i] = c - 'a' + 'A'
		default:
			return "", Errorf(InvalidSessionID, "%q is not an upload session id: those have 32 hexadecimal digits", s)
		}
	}
	return SessionID(b), nil
}

// Session collects the parts of one file, to be committed as a new file or as
// a new version of File.
type Session struct {
	ID        SessionID
	Owner     ID
	File      ID // 0 for a new file
	Folder    ID // destination; 0 leaves a version where its file is
	Name      string
	Grid      Grid
	State     SessionState
	CreatedAt time.Time
	ExpiresAt time.Time
	Stored    int64 // parts stored so far
}

// Part is a run of a session's bytes, verified and stored. Parts are immutable.
type Part struct {
	ID   string // 8 upper-case hex digits, unique in its session
	Span Span
	SHA1 SHA1
}

// LogEvent is one line of a session's own log.
type LogEvent struct {
	At      time.Time
	Event   string // created, part, plan, commit, abort, expired, or what a client reported
	Part    *Part  // nil unless about one
	Status  int    // HTTP status that was answered
	Code    string // error code, empty on success
	Message string
}
