package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

const sessionClients = 32

// openWait is how long sessions are opened before they are measured. A server
// that is slower has fewer then, and the table says how many.
const openWait = time.Minute

// A round of a slow server ends before it has done all, which its rate allows.
const sessionsWait = 10 * time.Second

const openBefore figure = "open before"

// sessionSender opens upload sessions and reads what has become of them: at
// boxcar an upload session, at S3 a multipart upload and the list of its parts.
type sessionSender interface {
	openSession(ctx context.Context, name string) (at string, err error)
	readSession(ctx context.Context, at string) error
	close()
}

// openSessions has a server with so many open sessions on which both are done.
type openSessions struct {
	server *server
	to     sessionSender
	mu     sync.Mutex
	at     []string
}

func (o *openSessions) open(ctx context.Context, i int) error {
	at, err := o.to.openSession(ctx, fmt.Sprintf("session-%d", i))
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at = append(o.at, at)
	return nil
}

// measure does something so often, with numbers that no session has yet.
func (o *openSessions) measure(ctx context.Context, count int, do func(ctx context.Context, i int) error) (sample, error) {
	before := len(o.at)
	got, err := storm{clients: sessionClients, count: count, time: sessionsWait}.measure(ctx, o.server, before, do)
	if err != nil {
		return nil, o.server.explain(err)
	}
	got[openBefore] = float64(before)
	return got, nil
}

// sessions are two loads on the same servers: opening sessions, and reading
// those that are open, at random.
func (b *bench) sessions(create, read string, targets ...string) []contest {
	figures, ratios := []figure{openBefore, perSecond, cpuEach, userEach, systemEach, ownEach, peak}, []figure{perSecond, cpuEach}
	creating := contest{name: create, figures: figures, ratios: ratios}
	reading := contest{name: read, figures: figures, ratios: ratios}
	for _, of := range targets {
		t, ok := b.targets[of]
		if !ok {
			continue
		}
		o := &openSessions{}
		open := func(ctx context.Context) error {
			if o.server != nil {
				return nil
			}
			s, err := t.start(ctx, b.place(t.name+"-sessions"), 0)
			if err != nil {
				return err
			}
			b.closers = append(b.closers, s.stop)
			to, err := t.sender(s, sessionClients)
			if err != nil {
				return err
			}
			b.closers = append(b.closers, to.close)
			o.server, o.to = s, to.(sessionSender)
			_, err = storm{clients: sessionClients, count: b.sessionsOpen, time: openWait}.run(ctx, 0, o.open)
			return err
		}
		creating.contestants = append(creating.contestants, contestant{name: of, open: open, run: func(ctx context.Context, _ int) (sample, error) {
			return o.measure(ctx, b.sessionsOpen/10, o.open)
		}})
		reading.contestants = append(reading.contestants, contestant{name: of, open: open, run: func(ctx context.Context, round int) (sample, error) {
			random := rand.New(rand.NewPCG(2, uint64(round)))
			order := make([]string, b.sessionsOpen/2)
			for i := range order {
				order[i] = o.at[random.IntN(len(o.at))]
			}
			first := len(o.at)
			return o.measure(ctx, len(order), func(ctx context.Context, i int) error {
				return o.to.readSession(ctx, order[i-first])
			})
		}})
	}
	return []contest{creating, reading}
}

func (c boxcar) openSession(ctx context.Context, name string) (string, error) {
	at, _, err := c.createSession(ctx, part8, name)
	return at, err
}

func (c boxcar) readSession(ctx context.Context, at string) error {
	got, err := c.do(ctx, "GET", at, http.NoBody, 0, 200)
	if err != nil {
		return err
	}
	var ses struct {
		ID    string `json:"id"`
		Parts int    `json:"total_parts"`
	}
	if err := json.Unmarshal(got.body, &ses); err != nil {
		return err
	}
	if sessionsPath+"/"+ses.ID != at || ses.Parts != 1 {
		return fmt.Errorf("%s is answered by %s", at, got.body)
	}
	return nil
}

func (c s3) openSession(ctx context.Context, name string) (string, error) {
	key := bucket + "/" + name
	id, err := c.createUpload(ctx, key)
	return key + "?uploadId=" + id, err
}

func (c s3) readSession(ctx context.Context, at string) error {
	got, err := c.do(ctx, "GET", at, http.NoBody, 0, 200)
	if err != nil {
		return err
	}
	var list struct {
		XMLName     xml.Name `xml:"ListPartsResult"`
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}
	if err := xml.Unmarshal(got.body, &list); err != nil {
		return fmt.Errorf("%w: %s", err, got.body)
	}
	if "/"+list.Bucket+"/"+list.Key+"?uploadId="+list.UploadID != at {
		return fmt.Errorf("%s is answered by %s", at, got.body)
	}
	return nil
}
