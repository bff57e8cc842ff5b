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

func (u usage) cpu() time.Duration { return u.user + u.system }

// cost is what something took, and what it cost a server and the client.
type cost struct {
	usage
	client time.Duration // CPU
	took   time.Duration
}

// costOf does something and says what it came to on the server.
func (s *server) costOf(do func() error) (c cost, err error) {
	before, err := s.usage()
	if err != nil {
		return c, err
	}
	client, began := ownUsage(), time.Now()
	if err := do(); err != nil {
		return c, err
	}
	c.took, c.client = time.Since(began), ownUsage()-client
	after, err := s.usage()
	c.usage = after.since(before)
	return c, err
}

// What bytes cost.
const (
	cpu    figure = "CPU s/GiB"        // user and system
	user   figure = "user s/GiB"       //
	system figure = "system s/GiB"     //
	own    figure = "client CPU s/GiB" // the client's, alike for all or the figures are worth less
	peak   figure = "peak MiB"         // of the server's resident set
)

func (c cost) perGiB(bytes int64) sample {
	all := float64(bytes) / gib
	return sample{
		cpu: c.cpu().Seconds() / all, user: c.user.Seconds() / all, system: c.system.Seconds() / all, own: c.client.Seconds() / all,
		peak: float64(c.peak) / mib,
	}
}

// What many requests cost.
const (
	perSecond  figure = "per second"
	cpuEach    figure = "CPU ms each"
	userEach   figure = "user ms each"
	systemEach figure = "system ms each"
	ownEach    figure = "client CPU ms each"
)

func (c cost) each(n int) sample {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(n) }
	return sample{
		perSecond: float64(n) / c.took.Seconds(),
		cpuEach:   ms(c.cpu()), userEach: ms(c.user), systemEach: ms(c.system), ownEach: ms(c.client),
		peak: float64(c.peak) / mib,
	}
}
