package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// replies is the one place where what went wrong becomes a status and a code.
// An empty code means an empty body.
var replies = map[content.Kind]struct {
	status int
	code   string
}{
	content.Internal:              {500, boxapi.CodeInternalServerError},
	content.BadRequest:            {400, boxapi.CodeBadRequest},
	content.InvalidJSON:           {400, boxapi.CodeInvalidJSON},
	content.Unauthorized:          {401, ""},
	content.TokenExpired:          {401, ""},
	content.ImpersonationRefused:  {403, ""},
	content.MissingFileSize:       {400, boxapi.CodeMissingFileSize},
	content.InvalidFileSize:       {400, boxapi.CodeInvalidFileSize},
	content.FileTooSmall:          {400, boxapi.CodeFileSizeTooSmall},
	content.MissingName:           {400, boxapi.CodeMissingFileName},
	content.MissingDestination:    {400, boxapi.CodeMissingDestination},
	content.InvalidFolderID:       {400, boxapi.CodeInvalidFolderID},
	content.NameInvalid:           {400, boxapi.CodeItemNameInvalid},
	content.NameTooLong:           {400, boxapi.CodeItemNameTooLong},
	content.NotFound:              {404, boxapi.CodeNotFound},
	content.DestinationNotFound:   {404, boxapi.CodeInvalidParameter},
	content.Trashed:               {404, boxapi.CodeTrashed},
	content.NotTrashed:            {404, boxapi.CodeNotTrashed},
	content.AccessDenied:          {403, boxapi.CodeAccessDeniedInsufficientPermissions},
	content.InsufficientScope:     {403, boxapi.CodeInsufficientScope},
	content.ItemLocked:            {403, boxapi.CodeAccessDeniedItemLocked},
	content.LinkPassword:          {403, boxapi.CodeIncorrectSharedItemPassword},
	content.CyclicalFolder:        {400, boxapi.CodeCyclicalFolderStructure},
	content.NoPreview:             {404, boxapi.CodePreviewCannotBeGenerated},
	content.PreviewSize:           {400, boxapi.CodeRequestedPreviewUnavailable},
	content.UserNotEmpty:          {409, boxapi.CodeConflict},
	content.SessionForbidden:      {403, boxapi.CodeForbidden},
	content.FileTooLarge:          {403, boxapi.CodeFileSizeLimitExceeded},
	content.QuotaExceeded:         {403, boxapi.CodeStorageLimitExceeded},
	content.LoginTaken:            {409, boxapi.CodeUserLoginAlreadyUsed},
	content.NameTaken:             {409, boxapi.CodeItemNameInUse},
	content.VanityTaken:           {409, boxapi.CodeConflict},
	content.PreconditionFailed:    {412, boxapi.CodePreconditionFailed},
	content.InvalidSessionID:      {400, boxapi.CodeInvalidUploadSessionID},
	content.SessionExpired:        {410, boxapi.CodeSessionExpired},
	content.SessionBusy:           {409, boxapi.CodeConflict},
	content.RangeNotSatisfiable:   {416, boxapi.CodeRangeNotSatisfiable},
	content.PartConflict:          {416, boxapi.CodeRangeOverlapsExistingPart},
	content.SizeMismatch:          {400, boxapi.CodeRequestSizeMismatch},
	content.DigestMismatch:        {400, boxapi.CodeDigestMismatch},
	content.BadDigest:             {400, boxapi.CodeBadDigest},
	content.PartsMismatch:         {400, boxapi.CodePartsMismatch},
	content.InvalidLimit:          {400, boxapi.CodeInvalidLimit},
	content.InvalidOffset:         {400, boxapi.CodeInvalidOffset},
	content.FolderNotEmpty:        {400, boxapi.CodeFolderNotEmpty},
	content.RootForbidden:         {403, boxapi.CodeAccessDeniedInsufficientPermissions},
	content.MetadataAfterContents: {400, boxapi.CodeMetadataAfterFileContents},
	content.BodyTooLarge:          {413, boxapi.CodeRequestEntityTooLarge},
	content.MethodNotAllowed:      {405, boxapi.CodeMethodNotAllowed},
	content.BodyTimeout:           {408, "request_timeout"},
	content.RateLimited:           {429, boxapi.CodeRateLimitExceeded},
	content.Unavailable:           {503, boxapi.CodeUnavailable},
	content.OriginRefused:         {403, boxapi.CodeCORSOriginNotWhitelisted},
	content.CommitPending:         {202, ""},
}

// Answer is what a client gets for an error; of what has an empty code, the
// status only.
func Answer(err error) (status int, code, text string) {
	r := replies[kindOf(err)]
	return r.status, r.code, message(err)
}

// kindOf classifies what boxapi refused, beside what the services did.
func kindOf(err error) content.Kind {
	var notJSON *boxapi.JSONError
	var field *boxapi.FieldError
	switch kind := content.KindOf(err); {
	case kind != content.Internal:
		return kind
	case errors.As(err, &notJSON):
		return content.InvalidJSON
	case errors.As(err, &field):
		return content.BadRequest
	}
	return content.Internal
}

// message is what a client is told. What nobody classified stays inside.
func message(err error) string {
	var e *content.Error
	var notJSON *boxapi.JSONError
	var field *boxapi.FieldError
	switch {
	case errors.As(err, &e) && e.Kind != content.Internal:
		return e.Message
	case errors.As(err, &notJSON):
		return notJSON.Message
	case errors.As(err, &field):
		return field.Message
	}
	return "Internal Server Error"
}

// fail writes the reply for an error.
func (s *Server) fail(c *call, err error) {
	kind := kindOf(err)
	status, code, text := Answer(err)
	c.w.code = code
	h := c.w.Header()
	switch kind {
	case content.Unauthorized, content.TokenExpired:
		h.Set("WWW-Authenticate", challenge(err))
	case content.ImpersonationRefused:
		h.Set("WWW-Authenticate", `Bearer realm="Service", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token."`)
	}
	var e *content.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		h.Set("Retry-After", retryAfter(e))
	}
	if code == "" {
		h.Set("Content-Length", "0")
		c.w.WriteHeader(status)
		return
	}
	reply := boxapi.Error{
		Type: boxapi.TypeError, Status: status, Code: code, ContextInfo: contextInfo(c, e),
		HelpURL: boxapi.HelpURL, Message: text, RequestID: c.w.id,
	}
	s.write(c, status, reply)
}

// retryAfter is when to try again, in whole seconds.
func retryAfter(e *content.Error) string {
	return strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10)
}

// challenge is the WWW-Authenticate of a 401. One client refreshes its token
// only if it finds expired_token here.
func challenge(err error) string {
	const realm = `Bearer realm="Service"`
	switch {
	case errors.Is(err, errNoToken):
		return realm
	case content.Is(err, content.TokenExpired):
		return realm + `, error="expired_token", error_description="The access token provided has expired."`
	}
	return realm + `, error="invalid_token", error_description="The access token provided is invalid."`
}

// contextInfo is what a program may want to know about an error.
func contextInfo(c *call, e *content.Error) *boxapi.ContextInfo {
	switch {
	case e == nil:
		return nil
	case e.Occupant != nil:
		return &boxapi.ContextInfo{Conflicts: &boxapi.Conflicts{Item: item(e.Occupant), Array: c.conflictsInArray}}
	case e.Part != nil:
		part := partReply(*e.Part)
		return &boxapi.ContextInfo{ConflictingPart: &part}
	case e.Field == fieldOrigin:
		return &boxapi.ContextInfo{Origin: e.Value}
	case e.Field != "":
		return &boxapi.ContextInfo{Errors: []boxapi.ContextError{boxapi.NotFoundError(e.Field, e.Value)}}
	}
	return nil
}

// gone says that the client has hung up, if that is why err came: nothing is
// wrong with the server then. A client that has closed its side only is told.
func (c *call) gone(err error) error {
	if c.Context().Err() == nil || !errors.Is(err, context.Canceled) || kindOf(err) != content.Internal {
		return err
	}
	return content.Errorf(content.BadRequest, "the connection was closed before the reply was ready").Because(err)
}

// finish writes the reply for what a handler returned, which has written its
// own if there is no error, and deals with what is left of the body.
func (s *Server) finish(c *call, err error) {
	if err = c.gone(err); err != nil {
		c.w.cause = err
		if c.w.status != 0 {
			// The reply had begun: all that is left is to break it off.
			panic(http.ErrAbortHandler)
		}
		s.fail(c, err)
	}
	c.w.finish()
}

// write writes v as JSON.
func (s *Server) write(c *call, status int, v any) error {
	if err := c.broken; err != nil {
		c.broken = nil
		return err
	}
	b, err := boxapi.EncodeJSON(v)
	if err != nil {
		return fmt.Errorf("encode reply: %w", err)
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	c.w.WriteHeader(status)
	// The client may have gone; the request's outcome stands all the same.
	c.w.Write(b)
	return nil
}
