package content

import (
	"time"
	"unicode/utf8"
)

// Attributes are what a caller may say of a file along with its bytes. What is
// nil is left as it is, or takes its default.
type Attributes struct {
	Name              *string
	Description       *string
	ContentCreatedAt  *time.Time
	ContentModifiedAt *time.Time
}

const maxDescriptionLen = 255 // characters

// CutDescription is a description as it is kept: the first 255 characters, as
// Box documents.
func CutDescription(s string) string {
	if utf8.RuneCountInString(s) <= maxDescriptionLen {
		return s
	}
	return string([]rune(s)[:maxDescriptionLen])
}

// Etags is what an If-Match or If-None-Match header names.
type Etags interface {
	// Match says whether the etag of something that exists is among them.
	Match(etag string) bool
}

// Preconditions are If-Match and If-None-Match; nil is no condition.
type Preconditions struct {
	IfMatch     Etags
	IfNoneMatch Etags
}

// Check compares the conditions with an item's etag, or with there being
// nothing yet, exists false.
func (p Preconditions) Check(etag string, exists bool) error {
	switch {
	case p.IfMatch != nil && !exists:
		return Errorf(PreconditionFailed, "If-Match was given, and there is nothing yet to match")
	case p.IfMatch != nil && !p.IfMatch.Match(etag):
		return Errorf(PreconditionFailed, "the etag is now %q, which If-Match does not allow", etag)
	case p.IfNoneMatch != nil && exists && p.IfNoneMatch.Match(etag):
		return Errorf(PreconditionFailed, "the etag is %q, which If-None-Match excludes", etag)
	}
	return nil
}
