package main

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// What a plan is measured by.
const (
	hashing    figure = "hashing s"         // from the session until the server is quiet
	hashingCPU figure = "hashing CPU s/GiB" // for that
	planning   figure = "plan ms"           // the call, when all is hashed
	planCPU    figure = "plan CPU ms"       //
)

// quiet is how long a server must have used no CPU to be taken for idle.
const quiet = 500 * time.Millisecond

// plans is a load: a new version of a file, of the same bytes, so that no part
// of it needs to be sent.
func (b *bench) plans(name string, size int64) contest {
	c := contest{name: name, figures: []figure{hashing, hashingCPU, planning, planCPU, commit, peak}}
	t, ok := b.targets["boxcar"]
	if !ok {
		return c
	}
	var offers []byte // the same for all rounds
	c.contestants = append(c.contestants, b.served(t, "boxcar", part8, func(ctx context.Context, s *server, _ int) (sample, error) {
		f, err := b.materials.file(size, part8)
		if err != nil {
			return nil, err
		}
		if offers == nil {
			offers = planOffers(f)
		}
		c := newBoxcar(s.url, 4, nil)
		defer c.close()
		id, err := c.putFile(ctx, f, "planned")
		if err != nil {
			return nil, err
		}
		if _, _, err := s.untilQuiet(ctx); err != nil {
			return nil, err
		}
		return measurePlan(ctx, c, s, f, id, offers)
	}))
	return c
}

func measurePlan(ctx context.Context, c boxcar, s *server, f *file, id string, offers []byte) (sample, error) {
	before, err := s.usage()
	if err != nil {
		return nil, err
	}
	at, part, err := c.createVersion(ctx, id, f.size)
	if err != nil {
		return nil, err
	}
	second, err := newBoxcarSending(c, f, at, part)
	if err != nil {
		return nil, err
	}
	took, hashed, err := s.untilQuiet(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	got, err := c.do(ctx, "POST", at+"/plan", bytes.NewReader(offers), int64(len(offers)), 200)
	if err != nil {
		return nil, err
	}
	planned := time.Since(began)
	after, err := s.usage()
	if err != nil {
		return nil, err
	}
	var reply struct{ Hits []planHit }
	if err := json.Unmarshal(got.body, &reply); err != nil {
		return nil, err
	}
	if len(reply.Hits) != f.parts() {
		return nil, fmt.Errorf("%d of %d parts are hits", len(reply.Hits), f.parts())
	}
	for i, hit := range reply.Hits {
		if second.parts[i], err = json.Marshal(hit); err != nil {
			return nil, err
		}
	}
	began = time.Now()
	if err := second.commit(ctx); err != nil {
		return nil, err
	}
	hash, plan := hashed.since(before), after.since(hashed)
	return sample{
		hashing:    took.Seconds(),
		hashingCPU: hash.cpu().Seconds() / (float64(f.size) / gib),
		planning:   planned.Seconds() * 1000,
		planCPU:    plan.cpu().Seconds() * 1000,
		commit:     time.Since(began).Seconds() * 1000,
		peak:       float64(after.peak) / mib,
	}, nil
}

type planHit struct {
	PartID string `json:"part_id"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
}

// planOffers is the body of a plan with all parts of the file.
func planOffers(f *file) []byte {
	type offer struct {
		Offset int64  `json:"offset"`
		Size   int64  `json:"size"`
		SHA512 string `json:"sha512"`
	}
	var plan struct {
		Parts []offer `json:"parts"`
	}
	for i := range f.parts() {
		of := sha512.Sum512(f.bytesOf(i, f.length(i)))
		plan.Parts = append(plan.Parts, offer{int64(i) * f.part, f.length(i), hex.EncodeToString(of[:])})
	}
	b, err := json.Marshal(plan)
	if err != nil {
		panic(err) // numbers and hexadecimal digits
	}
	return b
}

// untilQuiet waits until the server uses no CPU any more, and says how long it
// did and what it has used by then. A tick of the clock in that time is nothing.
func (s *server) untilQuiet(ctx context.Context) (time.Duration, usage, error) {
	const tick = 10 * time.Millisecond
	began := time.Now()
	last, err := s.usage()
	if err != nil {
		return 0, last, err
	}
	busy := began
	for time.Since(busy) < quiet {
		select {
		case <-ctx.Done():
			return 0, last, context.Cause(ctx)
		case <-time.After(quiet / 10):
		}
		now, err := s.usage()
		if err != nil {
			return 0, last, err
		}
		if used := now.since(last); used.cpu() > tick {
			busy, last = time.Now(), now
		}
	}
	return busy.Sub(began), last, nil
}
