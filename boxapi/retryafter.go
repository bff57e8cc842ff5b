package boxapi

import (
	"math"
	"strings"
	"time"
)

// ParseRetryAfter reads a Retry-After header: whole seconds, or an HTTP date,
// which is compared with now. A date that has passed is no wait. It is not ok if
// the header is absent or anything else. What is beyond a year is a year.
func ParseRetryAfter(header string, now time.Time) (wait time.Duration, ok bool) {
	const most = 365 * 24 * time.Hour
	header = strings.Trim(header, spaces)
	if digits(header) {
		seconds, fits := parseCount(header)
		if !fits || seconds > math.MaxInt64/int64(time.Second) {
			return most, true
		}
		return min(most, time.Duration(seconds)*time.Second), true
	}
	// The form of today and the two that RFC 9110, 5.6.7, still wants read.
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC} {
		if at, err := time.Parse(layout, header); err == nil {
			return min(most, max(0, at.Sub(now))), true
		}
	}
	return 0, false
}
