package daemon_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// collected takes spans as a collector does.
type collected struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*trace.Span
	about string // the service
}

func collect(t *testing.T) *collected {
	c := &collected{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		b, err := io.ReadAll(body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(b, &sent) != nil {
			t.Errorf("the collector got %s, %d bytes, %v", r.URL.Path, len(b), err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, of := range sent.ResourceSpans {
			for _, a := range of.Resource.Attributes {
				if a.Key == "service.name" || a.Key == "service.version" {
					c.about += a.Value.GetStringValue() + " "
				}
			}
			for _, s := range of.ScopeSpans {
				c.spans = append(c.spans, s.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func attribute(s *trace.Span, name string) string {
	for _, a := range s.Attributes {
		if a.Key == name {
			return strings.Trim(a.Value.String(), " ")
		}
	}
	return ""
}

// TestARequestIsASpanWithWhatWasDoneForIt sends a part below a span of the client's own.
func TestARequestIsASpanWithWhatWasDoneForIt(t *testing.T) {
	c := collect(t)
	s := daemontest.Start(t, func(cfg *daemon.Config) { inParts(cfg); cfg.OTLPEndpoint, cfg.Version = c.URL, "v0-test" })
	upload(t, s, "", "a.bin", random(40_000))
	const traceID, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	do(t, s, "GET", "/2.0/files/404", nil, "traceparent", "00-"+traceID+"-"+parent+"-01")
	s.Stop() // sends what is left

	c.mu.Lock()
	defer c.mu.Unlock()
	if !strings.HasPrefix(c.about, "boxcar v0-test") {
		t.Errorf("spans are of %q", c.about)
	}
	byID := map[string]*trace.Span{}
	for _, span := range c.spans {
		byID[string(span.SpanId)] = span
	}
	// way is a span's name with those above it.
	way := func(span *trace.Span) string {
		names := []string{}
		for ; span != nil; span = byID[string(span.ParentSpanId)] {
			names = append([]string{span.Name}, names...)
		}
		return strings.Join(names, " > ")
	}
	var ways []string
	users := map[string]bool{}
	for _, span := range c.spans {
		ways = append(ways, way(span))
		if u := attribute(span, "enduser.pseudo.id"); u != "" {
			users[u] = true
		}
		for _, a := range span.Attributes {
			if strings.Contains(a.String(), s.Token) || strings.Contains(a.String(), "a.bin") {
				t.Errorf("a span tells %s", a)
			}
		}
	}
	for _, want := range []string{
		"PUT /files/upload_sessions/:session",
		"PUT /files/upload_sessions/:session > upload.part",
		"PUT /files/upload_sessions/:session > upload.part > blob.Put",
		"PUT /files/upload_sessions/:session > upload.part > meta.Update",
		"POST /files/upload_sessions/:session/commit > upload.commit > meta.Update",
		"POST /files/upload_sessions > upload.create > meta.Update",
		"GET /files/:file > meta.View",
	} {
		if !slices.Contains(ways, want) {
			t.Errorf("no span %s; there are\n%s", want, strings.Join(ways, "\n"))
		}
	}
	if slices.Contains(ways, "meta.View") || slices.Contains(ways, "meta.Update") {
		t.Error("chores make traces of their own")
	}
	if len(users) != 1 {
		t.Errorf("one user has the names %v", users)
	}
	for _, span := range c.spans {
		if span.Name != "GET /files/:file" {
			continue
		}
		if hex.EncodeToString(span.TraceId) != traceID || hex.EncodeToString(span.ParentSpanId) != parent {
			t.Errorf("the request is in trace %x below %x", span.TraceId, span.ParentSpanId)
		}
		if got := attribute(span, "http.response.status_code"); !strings.Contains(got, "404") {
			t.Errorf("its status is %q", got)
		}
		if got := attribute(span, "error.type"); !strings.Contains(got, "not_found") {
			t.Errorf("its error is %q", got)
		}
		if span.Status.GetCode() == trace.Status_STATUS_CODE_ERROR {
			t.Error("what is the client's own fault is no error of the server")
		}
	}
}

// TestACollectorThatIsAwayHoldsUpNobody.
func TestACollectorThatIsAwayHoldsUpNobody(t *testing.T) {
	s := daemontest.Start(t, func(cfg *daemon.Config) { inParts(cfg); cfg.OTLPEndpoint = "http://127.0.0.1:1" })
	data := bytes.Repeat([]byte("x"), 100_000)
	if id := upload(t, s, "", "a.bin", data); id == "" {
		t.Error("nothing was uploaded")
	}
}
