package httpapi

import (
	"log/slog"
	"net/http"
	"strconv"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/upload"
)

// createSession handles POST /files/upload_sessions and
// POST /files/:file/upload_sessions.
func (s *Server) createSession(c *call) error {
	var file content.ID
	if c.param("file") != "" {
		var err error
		if file, err = c.id("file"); err != nil {
			return err
		}
	}
	var body boxapi.CreateSession
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	switch {
	case !body.FileSize.Given:
		return content.Errorf(content.MissingFileSize, "file_size is missing")
	case !body.FileSize.Valid:
		return content.Errorf(content.InvalidFileSize, "file_size must be a number of bytes, without sign, point or exponent")
	}
	req := upload.Request{File: file, Size: body.FileSize.N, Name: (*string)(body.FileName)}
	if body.FolderID != "" {
		req.Folder = (*string)(&body.FolderID)
	}
	ses, err := s.Upload.Create(c.Context(), c.who, req)
	if err != nil {
		return err
	}
	c.note(slog.String("created", string(ses.ID)), slog.Int64("size", ses.Grid.FileSize))
	return s.write(c, http.StatusCreated, s.sessionReply(c, ses))
}

// getSession handles GET /files/upload_sessions/:session.
func (s *Server) getSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	ses, err := s.Upload.Status(c.Context(), c.who, id)
	if err != nil {
		return err
	}
	return s.write(c, http.StatusOK, s.sessionReply(c, ses))
}

func (s *Server) sessionReply(c *call, ses content.Session) boxapi.UploadSession {
	return boxapi.UploadSession{
		TotalParts:        int(ses.Grid.Parts()),
		PartSize:          ses.Grid.PartSize,
		SessionEndpoints:  boxapi.EndpointsOf(s.origins(c.Request).upload(), string(ses.ID)),
		SessionExpiresAt:  boxapi.TimeZ{Time: ses.ExpiresAt},
		ID:                string(ses.ID),
		Type:              boxapi.TypeUploadSession,
		NumPartsProcessed: int(ses.Stored),
	}
}

// putPart handles PUT /files/upload_sessions/:session.
func (s *Server) putPart(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	first, last, total, err := boxapi.ParseContentRange(c.Header.Get("Content-Range"))
	if err != nil {
		return content.Errorf(content.BadRequest, "%v", err)
	}
	sum, err := c.digest()
	if err != nil {
		return err
	}
	if last == maxInt64 { // the end would overflow
		return content.Errorf(content.RangeNotSatisfiable, "no file has a byte %d", last)
	}
	sent := upload.Sent{Span: content.Span{Start: first, End: last + 1}, Total: total, SHA1: sum, Length: c.ContentLength}
	c.note(slog.Int64("offset", first), slog.Int64("bytes", sent.Span.Len()))
	part, err := s.Upload.PutPart(c.Context(), c.who, id, sent, c.Body)
	if err != nil {
		return err
	}
	return s.write(c, http.StatusOK, boxapi.PartReply{Part: partReply(part)})
}

const maxInt64 = 1<<63 - 1

func partReply(p content.Part) boxapi.Part {
	return boxapi.Part{PartID: p.ID, Offset: p.Span.Start, Size: p.Span.Len(), SHA1: p.SHA1.String()}
}

// listParts handles GET /files/upload_sessions/:session/parts.
func (s *Server) listParts(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	slot, limit, err := c.page(1000, 1000, content.MaxParts)
	if err != nil {
		return err
	}
	ses, parts, err := s.Upload.Parts(c.Context(), c.who, id, slot, int(limit))
	if err != nil {
		return err
	}
	list := boxapi.PartList{
		Offset: int(slot), Limit: int(limit), TotalCount: int(ses.Grid.Parts()),
		Order: []boxapi.Order{{By: "type", Direction: "ASC"}},
	}
	for _, p := range parts {
		list.Entries = append(list.Entries, partReply(p))
	}
	return s.write(c, http.StatusOK, list)
}

// commitSession handles POST /files/upload_sessions/:session/commit.
func (s *Server) commitSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	commit, err := s.readCommit(c)
	if err != nil {
		return s.Upload.Refuse(c.Context(), c.who, id, "commit", err)
	}
	file, err := s.Upload.Commit(c.Context(), c.who, id, commit)
	if err != nil {
		return err
	}
	c.note(slog.String("file", file.ID.String()), slog.Int64("size", file.Version.Size))
	return s.uploaded(c, file)
}

// readCommit reads what a commit says.
func (s *Server) readCommit(c *call) (commit upload.Commit, err error) {
	var body boxapi.Commit
	if err = c.decodeParts(s.Limits.PartsBody, &body); err != nil {
		return commit, err
	}
	if body.Parts == nil {
		return commit, content.Errorf(content.BadRequest, "parts is missing")
	}
	commit = upload.Commit{Preconditions: c.preconditions(), Attributes: attributes(body.Attributes)}
	if commit.SHA1, err = c.digest(); err != nil {
		return commit, err
	}
	for _, p := range body.Parts {
		listed := upload.Listed{ID: p.PartID, Offset: p.Offset, Size: p.Size, Quote: p.String}
		if p.SHA1 != nil {
			sum, err := boxapi.ParseHexSHA1(*p.SHA1)
			if listed.SHA1 = (*content.SHA1)(&sum); err != nil {
				listed.Offset = -1 // no part has what is not a digest
			}
		}
		commit.Parts = append(commit.Parts, listed)
	}
	return commit, nil
}

// abortSession handles DELETE /files/upload_sessions/:session. A body may come
// with it, and says nothing.
func (s *Server) abortSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	if err := s.Upload.Abort(c.Context(), c.who, id); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// logEvent handles POST /files/upload_sessions/:session/log.
func (s *Server) logEvent(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	var body boxapi.LogEvent
	if err := c.decode(s.Limits.LogBody, &body); err != nil {
		return err
	}
	if body.EventType == "" {
		return content.Errorf(content.BadRequest, "event_type is missing")
	}
	if err := s.Upload.Report(c.Context(), c.who, id, body.EventType, body.EventInfo); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// sessionLog handles GET /files/upload_sessions/:session/log.
func (s *Server) sessionLog(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 1000, 1, content.InvalidLimit)
	if err != nil {
		return err
	}
	limit = min(limit, 1000)
	after, err := c.number("marker", 0, 0, content.BadRequest)
	if err != nil {
		return err
	}
	entries, err := s.Upload.Events(c.Context(), c.who, id, after, int(limit)+1)
	if err != nil {
		return err
	}
	var log boxapi.SessionLog
	if len(entries) > int(limit) {
		entries = entries[:limit]
		log.NextMarker = boxapi.NullString(strconv.FormatInt(entries[limit-1].N, 10))
	}
	for _, e := range entries {
		out := boxapi.SessionLogEntry{At: boxapi.Time{Time: e.At}, Event: e.Event, Status: e.Status, Code: e.Code, Message: e.Message}
		if p := e.Part; p != nil {
			start, size := p.Span.Start, p.Span.Len()
			out.PartID, out.Offset, out.Size, out.SHA1 = p.ID, &start, &size, p.SHA1.String()
		}
		log.Entries = append(log.Entries, out)
	}
	return s.write(c, http.StatusOK, log)
}

// planSession handles POST /files/upload_sessions/:session/plan.
func (s *Server) planSession(c *call) error {
	id, err := c.session()
	if err != nil {
		return err
	}
	var body boxapi.Plan
	if err := c.decodeParts(s.Limits.PartsBody, &body); err != nil {
		return err
	}
	if len(body.Parts) == 0 {
		return content.Errorf(content.BadRequest, "parts must list at least one part")
	}
	offers := make([]upload.Offer, len(body.Parts))
	for i, p := range body.Parts {
		sum, err := boxapi.ParseSHA512(p.SHA512)
		if err != nil {
			return content.Errorf(content.BadRequest, "%v", err)
		}
		if p.Offset < 0 || p.Size < 0 || p.Offset > maxInt64-p.Size {
			return content.Errorf(content.RangeNotSatisfiable, "offset and size of part %d are not those of a part", i)
		}
		offers[i] = upload.Offer{Span: content.Span{Start: p.Offset, End: p.Offset + p.Size}, SHA512: sum}
	}
	planned, err := s.Upload.Plan(c.Context(), c.who, id, offers)
	if err != nil {
		return err
	}
	reply := boxapi.PlanReply{UploadSessionID: string(id)}
	for _, p := range planned {
		out := boxapi.PlanPart{Offset: p.Span.Start, Size: p.Span.Len(), SHA512: p.SHA512.String(), PartID: p.Part}
		if p.Hit {
			reply.Hits = append(reply.Hits, out)
		} else {
			reply.Misses = append(reply.Misses, out)
		}
	}
	c.note(slog.Int("hits", len(reply.Hits)), slog.Int("misses", len(reply.Misses)))
	return s.write(c, http.StatusOK, reply)
}

// uploaded answers an upload: exactly one file.
func (s *Server) uploaded(c *call, f *content.File) error {
	view := boxapi.View{Level: boxapi.LevelStandard, Floor: boxapi.LevelMini, Fields: c.fields()}
	files := boxapi.Files{TotalCount: 1, Entries: []boxapi.File{s.file(c, f, view)}}
	return s.write(c, http.StatusCreated, view.Show(files))
}
