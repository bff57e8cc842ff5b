package main

import "time"

// usage is what a server has used since it started, by what the OS says.
type usage struct {
	user, system time.Duration
	peak         int64 // of its resident set, bytes
}

// plus adds another process. The sum of peaks is what they have had at most.
func (u usage) plus(o usage) usage {
	return usage{u.user + o.user, u.system + o.system, u.peak + o.peak}
}

// since is the time used after before. The peak has no before.
func (u usage) since(before usage) usage {
	return usage{u.user - before.user, u.system - before.system, u.peak}
}
