package content

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what went wrong, in the terms of the rules. httpapi holds the one
// table from kinds to statuses and codes.
type Kind int

const (
	// Internal is the zero kind: what nobody classified, nobody promised. Its
	// text never leaves the server.
	Internal Kind = iota

	BadRequest            // a header, field or parameter is missing or malformed
	InvalidJSON           // a body is not a JSON object
	Unauthorized          // no credentials, or ones never issued or revoked
	TokenExpired          // credentials that were good once
	ImpersonationRefused  // As-User with a token that may not use it
	MissingFileSize       // create: file_size absent
	InvalidFileSize       // create: file_size not a non-negative integer
	FileTooSmall          // below the minimum for chunked upload
	MissingName           // create: no file_name
	MissingDestination    // create: no folder_id
	InvalidFolderID       // create: folder_id is not an id
	NameInvalid           // a name that no item may have
	NameTooLong           // a name of more than 255 characters
	NotFound              // no such item, session or user, for this caller
	DestinationNotFound   // the folder named as destination of an upload session
	Trashed               // the item is in the trash
	NotTrashed            // the item is not in the trash
	AccessDenied          // the caller may see the item but not do this
	InsufficientScope     // the token is not good for it, whatever its user may do
	ItemLocked            // somebody else's lock is on the file
	LinkPassword          // a shared link's password is missing or wrong
	SessionForbidden      // the session belongs to someone else
	FileTooLarge          // over the cap on the size of a file
	QuotaExceeded         // over the owner's quota
	LoginTaken            // another user has the login
	NameTaken             // another item of the folder has the name
	VanityTaken           // another shared link has the vanity name
	PreconditionFailed    // If-Match or If-None-Match
	InvalidSessionID      // not 32 hex digits
	SessionExpired        // open past its expiry
	SessionBusy           // a commit is in progress, or the session is past it
	RangeNotSatisfiable   // a span that is off the grid of its session
	PartConflict          // other bytes hold the span
	SizeMismatch          // fewer or more bytes than declared
	DigestMismatch        // bytes hash to something else
	BadDigest             // the same, for a simple upload's Content-MD5
	PartsMismatch         // commit lists other parts than were stored
	InvalidLimit          // paging
	InvalidOffset         // paging
	FolderNotEmpty        // delete without recursive
	CyclicalFolder        // a folder would end up in itself
	NoPreview             // a file of which no thumbnail can be made
	PreviewSize           // a thumbnail of a size that there is none of
	RootForbidden         // root can't be moved, copied or deleted
	MetadataAfterContents // multipart: the file came before its attributes
	BodyTooLarge          // a request body over its limit
	MethodNotAllowed      // the path exists, the method does not
	BodyTimeout           // the body came too slowly, or stopped coming
	RateLimited           // a limit of this user's own
	Unavailable           // a limit of the server's, or storage that may recover

	OriginRefused // a browser page of an origin that the operator did not allow
	UserNotEmpty  // a user who still owns items can't be deleted
	CommitPending // a commit's hash is not ready yet: not a failure, ask again

	kinds // how many there are
)

// Kinds is the number of kinds; every value below it is one.
const Kinds = int(kinds)

// Error is a refusal with its kind and what a client needs to act on it. At
// most one of the details is set.
type Error struct {
	Kind    Kind
	Message string // a whole sentence in the caller's terms
	Cause   error  // for the log; never sent

	Occupant   Item          // NameTaken: a File or Folder, who has the name
	Part       *Part         // PartConflict: the part that is stored
	Field      string        // NotFound, DestinationNotFound: the parameter that named it
	Value      string        // and the value it had
	RetryAfter time.Duration // Unavailable, RateLimited: when to try again
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf makes an Error of a kind. Causes are not for clients to read: they go
// in with Because.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because sets the cause and returns e.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// NoRoom is the error for a disk that is full. Nothing says when there will be
// room; half a minute keeps the waiting clients quiet.
func NoRoom(cause error) *Error {
	return &Error{Kind: Unavailable, Message: "the server has no room to store this", RetryAfter: 30 * time.Second, Cause: cause}
}

// KindOf is the kind of the first Error in err's chain, or Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is says whether err is of one of the kinds.
func Is(err error, kinds ...Kind) bool {
	if err == nil {
		return false
	}
	k := KindOf(err)
	for _, want := range kinds {
		if k == want {
			return true
		}
	}
	return false
}
