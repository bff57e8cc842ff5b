//go:build !unix

package scale

import "time"

// cpu is not known here.
func cpu() time.Duration { return 0 }
