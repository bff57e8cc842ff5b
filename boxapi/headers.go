package boxapi

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// ParseContentRange reads a Content-Range header, "bytes FIRST-LAST/TOTAL":
// byte positions, both ends included, and the size of the whole in bytes. The
// unit may be in any case; nothing else is optional, signs are refused and so
// is "*".
//
// Whether the range fits anything is for the caller to judge: LAST may lie
// before FIRST (some clients close a file with an empty part, "bytes
// F-(F-1)/F") or beyond TOTAL.
func ParseContentRange(header string) (first, last, total int64, err error) {
	unit, rest, _ := strings.Cut(strings.Trim(header, spaces), " ")
	from, rest, dash := strings.Cut(strings.TrimLeft(rest, spaces), "-")
	to, size, slash := strings.Cut(rest, "/")
	if strings.EqualFold(unit, "bytes") && dash && slash {
		var a, b, c bool
		first, a = parseCount(from)
		last, b = parseCount(to)
		total, c = parseCount(size)
		if a && b && c {
			return first, last, total, nil
		}
	}
	return 0, 0, 0, fmt.Errorf("the Content-Range header must be \"bytes FIRST-LAST/TOTAL\", not %s", quoted(header))
}

// FormatContentRange writes a Content-Range header for the bytes first to
// last, both included, of total. An empty range has last = first-1.
func FormatContentRange(first, last, total int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", first, last, total)
}

// ParseBoxAPI reads a BoxApi header,
// "shared_link=URL&shared_link_password=PASSWORD". Either may be missing and is
// then empty.
//
// Some clients percent-encode both values, some send both as they are. A link
// has "://" only if it was sent as it is, and the password follows the link, so
// that a raw password may hold "%", "+" and "&".
func ParseBoxAPI(header string) (sharedLink, password string) {
	const linkKey, passwordKey = "shared_link=", "shared_link_password="
	rest := strings.Trim(header, spaces)
	for rest != "" {
		value := &sharedLink
		switch {
		case strings.HasPrefix(rest, linkKey):
			rest = rest[len(linkKey):]
		case strings.HasPrefix(rest, passwordKey):
			rest, value = rest[len(passwordKey):], &password
		default:
			_, rest, _ = strings.Cut(rest, "&")
			continue
		}
		// An "&" ends a value only in front of a key we know: raw links
		// have queries.
		end := len(rest)
		for _, key := range []string{linkKey, passwordKey} {
			if i := strings.Index(rest, "&"+key); i >= 0 {
				end = min(end, i)
			}
		}
		*value = rest[:end]
		rest = strings.TrimPrefix(rest[end:], "&")
	}

	if sharedLink == "" || strings.Contains(sharedLink, "://") {
		return sharedLink, password
	}
	link, err := url.QueryUnescape(sharedLink)
	if err != nil || !strings.Contains(link, "://") {
		return sharedLink, password
	}
	if p, err := url.QueryUnescape(password); err == nil {
		password = p
	}
	return link, password
}

// spaces is what HTTP allows around a value, and the line ends that some
// clients leave on theirs.
const spaces = " \t\r\n"

// parseCount is ParseInt without signs: "+1" and "-0" are not byte counts.
func parseCount(s string) (int64, bool) {
	if !digits(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return int64(n), err == nil && n <= math.MaxInt64
}

// digits says whether s is one or more of 0 to 9.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// quoted quotes outside text for a message, cut to a length fit for one.
func quoted(s string) string {
	const limit = 80
	if len(s) > limit {
		return strconv.Quote(s[:limit]) + "..."
	}
	return strconv.Quote(s)
}
