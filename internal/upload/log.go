package upload

import (
	"context"
	"strings"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// Report adds what a client says of its own troubles to the session's log and
// the server's. It works in any state of the session.
func (s *Service) Report(ctx context.Context, who content.Principal, id content.SessionID, event, info string) error {
	now := s.Now()
	err := s.Meta.Update(ctx, func(tx meta.Tx) error {
		if _, err := s.session(tx, who, id); err != nil {
			return err
		}
		return s.appendLog(tx, id, content.LogEvent{At: now, Event: event, Message: info})
	})
	if err == nil {
		s.Log.Info("client reports", "session", id, "event", event, "info", info)
	}
	return err
}

// Refuse is for a request that was refused before it came to a service. A
// session that is not there, or not the caller's, counts first; otherwise the
// refusal goes into its log. It returns what the client is to be told.
func (s *Service) Refuse(ctx context.Context, who content.Principal, id content.SessionID, event string, refusal error) error {
	err := s.Meta.View(ctx, func(tx meta.Tx) error {
		_, err := s.live(tx, who, id)
		return err
	})
	if err != nil {
		return err
	}
	s.note(ctx, id, content.LogEvent{Event: event}, refusal)
	return refusal
}

// Events is a page of the session's own log, oldest first, from behind the
// entry numbered after. It works in any state of the session.
func (s *Service) Events(ctx context.Context, who content.Principal, id content.SessionID, after int64, limit int) (entries []meta.LogEntry, err error) {
	err = s.Meta.View(ctx, func(tx meta.Tx) error {
		if _, err := s.session(tx, who, id); err != nil {
			return err
		}
		entries, err = tx.Log(id, after, limit)
		return err
	})
	return entries, err
}

// appendLog adds to a session's own log what a client can make happen any
// number of times, within the limit.
func (s *Service) appendLog(tx meta.Tx, id content.SessionID, e content.LogEvent) error {
	n, err := tx.CountLog(id)
	if err != nil || n >= s.Limits.LogEvents {
		return err
	}
	e.Event, e.Message = cut(e.Event, 255), cut(e.Message, maxQuote)
	return tx.AppendLog(id, e)
}

// maxQuote is how much of what a client wrote is kept or told, bytes.
const maxQuote = 4 << 10

// cut is the beginning of text, of at most n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
