package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"boxcar/boxapi"
	"boxcar/client"
)

type sessionsCmd struct {
	List  sessionsListCmd  `cmd:"" default:"withargs" help:"List the unfinished uploads that this machine knows of."`
	Show  sessionsShowCmd  `cmd:"" help:"Show which parts of one have arrived."`
	Abort sessionsAbortCmd `cmd:"" help:"Drop one, with the parts that have arrived."`
}

type stateFlag struct {
	State string `type:"path" placeholder:"DIR" env:"BOXCAR_STATE" help:"Where is noted what uploads under way have sent."`
}

type sessionsListCmd struct {
	stateFlag
	jsonFlag
}

// Help is what boxcar sessions list --help adds.
func (sessionsListCmd) Help() string {
	return `The server does not list sessions: these are the ones of which a note was kept here, of all servers.`
}

// sessionRecord is an upload under way as --json tells it.
type sessionRecord struct {
	ID     string     `json:"id"`
	Server string     `json:"server"`
	Path   string     `json:"path,omitzero"` // here
	Name   string     `json:"name,omitzero"`
	Folder string     `json:"folder,omitzero"` // id
	File   string     `json:"file,omitzero"`   // id, of a new version
	Size   int64      `json:"size"`            // bytes; -1: not known
	Saved  *time.Time `json:"saved,omitzero"`

	Parts   int        `json:"parts,omitzero"`
	Arrived int        `json:"arrived,omitzero"` // of them
	Expires *time.Time `json:"expires,omitzero"`
	Map     string     `json:"map,omitzero"` // a character for each part: # has arrived, . has not
}

func recordOfState(s *client.State) sessionRecord {
	r := sessionRecord{ID: s.Session, Server: s.Server, Path: s.Path, Name: s.Name, Folder: s.FolderID, File: s.FileID, Size: s.Size}
	if t := s.Saved.UTC(); !s.Saved.IsZero() {
		r.Saved = &t
	}
	return r
}

func (s sessionsListCmd) Run(io streams) error {
	states, err := stateDir(s.State)
	if err != nil {
		return err
	}
	all, err := states.All()
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b *client.State) int {
		return cmp.Or(a.Saved.Compare(b.Saved), cmp.Compare(a.Session, b.Session))
	})
	if s.JSON {
		for _, st := range all {
			if err := writeJSON(io.Out, recordOfState(st)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		fmt.Fprintln(io.Err, "boxcar: no unfinished uploads are known here")
		return nil
	}
	w := tabwriter.NewWriter(io.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SESSION\tSIZE\tLAST\tSERVER\tFILE")
	for _, st := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", st.Session, bytesText(st.Size), st.Saved.Local().Format(time.DateTime), st.Server, printable(cmp.Or(st.Path, st.Name)))
	}
	return w.Flush()
}

type sessionArgs struct {
	ID          string `arg:"" help:"Of the session."`
	stateFlag   `embed:"" group:"how"`
	serverFlags `embed:"" group:"server"`
}

// Validate refuses what is no session's id.
func (s sessionArgs) Validate() error {
	if !isSession(s.ID) {
		return errors.New(whatSessionsAre)
	}
	return nil
}

const whatSessionsAre = "the id of a session has 32 hex digits; boxcar sessions lists them"

func isSession(id string) bool {
	_, ok := boxapi.ParseSessionID(id)
	return ok
}

// known is the note of the session, or nil. One of another server is an error: the
// session would not be found there.
func (s sessionArgs) known(states client.StateDir, c server) (*client.State, error) {
	all, err := states.All()
	if err != nil {
		return nil, err
	}
	for _, st := range all {
		if strings.EqualFold(st.Session, s.ID) {
			if st.Server != c.URLs().API {
				return nil, hinted{fmt.Errorf("session %s is at %s, and not at %s", s.ID, st.Server, c.URLs().API), "--profile or --url says which server to ask"}
			}
			return st, nil
		}
	}
	return nil, nil
}

// open finds the note of a session and the server that has it.
func (s sessionArgs) open(ctx context.Context, io streams) (context.Context, server, client.StateDir, *client.State, error) {
	states, err := stateDir(s.State)
	if err != nil {
		return ctx, server{}, "", nil, err
	}
	ctx, c, err := s.connect(ctx, io, 0)
	if err != nil {
		return ctx, c, states, nil, err
	}
	note, err := s.known(states, c)
	return ctx, c, states, note, err
}

type sessionsShowCmd struct {
	sessionArgs `embed:""`
}

func (s sessionsShowCmd) Run(ctx context.Context, io streams) error {
	ctx, c, _, note, err := s.open(ctx, io)
	if err != nil {
		return err
	}
	id := strings.ToUpper(s.ID)
	ses, err := c.Session(ctx, id)
	if client.IsNotFound(err) || client.HasCode(err, boxapi.CodeSessionExpired) {
		return hinted{fmt.Errorf("the server has no session %s any more", id), "it was finished, aborted, or has expired; boxcar sessions abort forgets it here, too"}
	}
	if err != nil {
		return fmt.Errorf("session %s: %w", id, err)
	}
	r := sessionRecord{ID: ses.ID, Server: c.URLs().API, Size: -1}
	if note != nil {
		r = recordOfState(note)
	}
	r.Parts = ses.TotalParts
	if t := ses.SessionExpiresAt.UTC(); !ses.SessionExpiresAt.IsZero() {
		r.Expires = &t
	}
	arrived := make([]bool, ses.TotalParts)
	for p, err := range c.Parts(ctx, id) {
		if err != nil {
			return fmt.Errorf("session %s: %w", id, err)
		}
		if n := p.Offset / ses.PartSize; n >= 0 && n < int64(len(arrived)) && !arrived[n] {
			arrived[n] = true
			r.Arrived++
		}
	}
	if s.JSON {
		r.Map = partMap(arrived, len(arrived))
		return writeJSON(io.Out, r)
	}
	w := tabwriter.NewWriter(io.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "session\t%s\n", r.ID)
	if r.Path != "" {
		fmt.Fprintf(w, "file\t%s\n", printable(r.Path))
	}
	if r.Size >= 0 {
		fmt.Fprintf(w, "size\t%s (%d bytes)\n", bytesText(r.Size), r.Size)
	}
	fmt.Fprintf(w, "parts\t%d of %d have arrived, of %s each\n", r.Arrived, r.Parts, bytesText(ses.PartSize))
	if r.Expires != nil {
		fmt.Fprintf(w, "expires\t%s\n", r.Expires.Local().Format(time.DateTime))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	const row, rows = 64, 16
	text := partMap(arrived, row*rows)
	for len(text) > 0 {
		n := min(row, len(text))
		if _, err := fmt.Fprintf(io.Out, "  %s\n", text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	if per := (len(arrived) + row*rows - 1) / (row * rows); per > 1 {
		_, err = fmt.Fprintf(io.Out, "  each stands for %d parts: # all, + some, . none have arrived\n", per)
	}
	return err
}

// partMap draws which parts have arrived, in at most so many characters: # all, +
// some, . none of those that one stands for.
func partMap(arrived []bool, most int) string {
	per := max(1, (len(arrived)+most-1)/most)
	var b strings.Builder
	for len(arrived) > 0 {
		n := min(per, len(arrived))
		there := 0
		for _, a := range arrived[:n] {
			if a {
				there++
			}
		}
		switch there {
		case n:
			b.WriteByte('#')
		case 0:
			b.WriteByte('.')
		default:
			b.WriteByte('+')
		}
		arrived = arrived[n:]
	}
	return b.String()
}

type sessionsAbortCmd struct {
	sessionArgs `embed:""`
}

func (s sessionsAbortCmd) Run(ctx context.Context, io streams) error {
	ctx, c, states, _, err := s.open(ctx, io)
	if err != nil {
		return err
	}
	id := strings.ToUpper(s.ID)
	if err := c.Abort(ctx, id); err != nil {
		return fmt.Errorf("session %s: %w", id, err)
	}
	if err := states.DeleteSession(id); err != nil {
		return err
	}
	if s.JSON {
		return writeJSON(io.Out, struct {
			ID      string `json:"id"`
			Outcome string `json:"outcome"`
		}{id, "aborted"})
	}
	_, err = fmt.Fprintln(io.Out, id)
	return err
}
