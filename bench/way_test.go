package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// byHand is a way on a clock that is turned by hand, and what makes connections
// through it, one at a time: the end of a client, and that of the server.
func byHand(l link) (w *way, over func() (client, server net.Conn)) {
	w = newWay("", l)
	ends := make(chan net.Conn, 1)
	w.dial = func() (net.Conn, error) { return <-ends, nil }
	return w, func() (client, server net.Conn) {
		client, near := net.Pipe()
		far, server := net.Pipe()
		ends <- far
		w.work.Go(func() { w.join(near) })
		return client, server
	}
}

// echo answers each message of so many bytes.
func echo(server net.Conn, size int) {
	b := make([]byte, size)
	for {
		if _, err := io.ReadFull(server, b); err != nil {
			return
		}
		server.Write(b)
	}
}

func TestARoundTripTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const trip = 50 * time.Millisecond
		w, over := byHand(link{trip: trip, rate: 25e6})
		client, server := over()
		defer w.close()
		go echo(server, 100)
		began := time.Now()
		for i := range 5 {
			client.Write(make([]byte, 100))
			if _, err := io.ReadFull(client, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			// The first one waits for a handshake, too.
			if took, want := time.Since(began), time.Duration(i+2)*trip; took < want || took > want+time.Millisecond {
				t.Errorf("after %d answers it is %v, not %v", i+1, took, want)
			}
		}
	})
}

func TestEachConnectionHasItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, perSecond = 25 << 20, 5 << 20
		const trip = 50 * time.Millisecond
		const want = size/perSecond*time.Second + trip + trip/2 // the handshake, and the way of the last byte
		w, over := byHand(link{trip: trip, rate: perSecond})
		defer w.close()
		var all sync.WaitGroup
		for range 3 {
			began := time.Now()
			client, server := over()
			all.Go(func() { io.Copy(client, bytes.NewReader(make([]byte, size))) })
			all.Go(func() {
				if _, err := io.CopyN(io.Discard, server, size); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took < want-60*time.Millisecond || took > want {
					t.Errorf("took %v, not %v", took, want)
				}
			})
			time.Sleep(2 * trip) // it has dialled
		}
		all.Wait()
		if got := w.sent.Load(); got != 3*size {
			t.Errorf("%d bytes have come", got)
		}
	})
}

// Somebody who does not read holds up who sends, rather than fill the memory.
func TestTheWayIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, over := byHand(link{trip: time.Second})
		client, _ := over()
		sent := 0
		go func() {
			for b := make([]byte, wayChunk); ; sent++ {
				if _, err := client.Write(b); err != nil {
					return
				}
			}
		}()
		time.Sleep(time.Hour)
		synctest.Wait()
		if sent < wayChunks || sent > wayChunks+3 {
			t.Errorf("%d chunks are on their way", sent)
		}
		w.close()
	})
}

// The same over sockets: by itself, and in place of a host with a fixed name.
func TestWaysLeadToTheServer(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	defer server.Close()
	body := make([]byte, 3<<20+7)
	rand.Read(body)
	for _, l := range []link{{}, {trip: time.Millisecond, rate: 1e9}} {
		w := newWay(server.Listener.Addr().String(), l)
		addr, err := w.listen()
		if err != nil {
			t.Fatal(err)
		}
		tunnel, err := w.tunnel()
		if err != nil {
			t.Fatal(err)
		}
		through, _ := url.Parse(tunnel)
		transport := server.Client().Transport.(*http.Transport)
		fixed := transport.Clone()
		fixed.Proxy = http.ProxyURL(through)
		for _, c := range []struct {
			url string
			rt  http.RoundTripper
		}{{"https://" + addr, transport}, {"https://example.com", fixed}} { // a name that the certificate has
			resp, err := (&http.Client{Transport: c.rt}).Post(c.url, "", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || sha1.Sum(got) != sha1.Sum(body) {
				t.Errorf("%v, %s: %d bytes came back, %v", l, c.url, len(got), err)
			}
		}
		transport.CloseIdleConnections()
		w.close()
		if got := w.sent.Load(); got < int64(2*len(body)) {
			t.Errorf("%v: %d bytes are counted", l, got)
		}
	}
}
