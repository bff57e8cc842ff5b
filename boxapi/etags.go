package boxapi

import (
	"slices"
	"strings"
)

// Etags is what an If-Match or If-None-Match header names.
type Etags struct {
	any  bool
	tags []string
}

// ParseEtags reads an If-Match or If-None-Match header: etags bare, quoted or
// weak (W/"4"), in a comma list, or "*". It is not ok if the header names
// nothing; an empty header is an absent one.
func ParseEtags(header string) (tags Etags, ok bool) {
	rest := strings.Trim(header, spaces)
	for rest != "" {
		tag := ""
		opened, quote := strings.CutPrefix(strings.TrimPrefix(rest, "W/"), `"`)
		closing := strings.IndexByte(opened, '"')
		if quote && closing >= 0 {
			tag, rest = opened[:closing], opened[closing+1:]
			// Anything up to the comma is no part of the tag.
			_, rest, _ = strings.Cut(rest, ",")
			tags.tags, ok = append(tags.tags, tag), true
		} else {
			tag, rest, _ = strings.Cut(rest, ",")
			switch tag = strings.TrimPrefix(strings.Trim(tag, spaces), "W/"); tag {
			case "":
			case "*":
				tags.any, ok = true, true
			default:
				tags.tags, ok = append(tags.tags, tag), true
			}
		}
		rest = strings.TrimLeft(rest, spaces)
	}
	return tags, ok
}

// Match says whether etag, that of something that exists, is among those named.
// "*" matches every etag; the empty etag, which is null on the wire, matches
// nothing else.
func (e Etags) Match(etag string) bool {
	return e.any || etag != "" && slices.Contains(e.tags, etag)
}
