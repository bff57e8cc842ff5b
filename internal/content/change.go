package content

import (
	"net/url"
	"strings"
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

const (
	maxTags   = 100  // of one item, as Box documents
	maxTagLen = 255  // characters
	maxURLLen = 2048 // bytes
)

// CheckTags says whether an item may have the tags.
func CheckTags(tags []string) error {
	if len(tags) > maxTags {
		return Errorf(BadRequest, "an item can have %d tags, not %d", maxTags, len(tags))
	}
	for _, tag := range tags {
		if n := utf8.RuneCountInString(tag); n == 0 || n > maxTagLen {
			return Errorf(BadRequest, "a tag has 1 to %d characters, and %.40q has %d", maxTagLen, tag, n)
		}
	}
	return nil
}

// CheckURL says whether a web link may lead there.
func CheckURL(s string) error {
	if len(s) > maxURLLen {
		return Errorf(BadRequest, "the url of a web link can have %d bytes, not %d", maxURLLen, len(s))
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(s, " \\") {
		return Errorf(BadRequest, "the url of a web link starts with http:// or https:// and has a host; %.80q does not", s)
	}
	return nil
}

// WebLinkName is the name of a web link that was given none: its URL, as far
// as a name can hold it.
func WebLinkName(url string) string {
	if r := []rune(url); len(r) > maxNameLen {
		return string(r[:maxNameLen])
	}
	return url
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
