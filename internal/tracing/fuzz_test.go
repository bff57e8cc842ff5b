package tracing

import (
	"context"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// FuzzTraceparent: whatever a client says of its trace, a request is a span of its own;
// it is below the client's only where W3C's grammar allows that, and in no other trace.
func FuzzTraceparent(f *testing.F) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	f.Add(good, "")
	f.Add(good, "a=b,c@d=e")
	f.Add(strings.ToUpper(good), "a=b")
	f.Add("ff"+good[2:], "")
	f.Add("01"+good[2:]+"-more", "=")
	f.Add("00-00000000000000000000000000000000-b7ad6b7169203331-01", "a=b,a=c")
	f.Add("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", strings.Repeat("a=b,", 40))
	f.Add(good[:54], "a="+strings.Repeat("x", 300))
	f.Add("", "a=\x00")
	parent := regexp.MustCompile(`^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)`)
	f.Fuzz(func(t *testing.T, traceparent, tracestate string) {
		spans := tracetest.NewSpanRecorder()
		provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans), sdk.WithSampler(sdk.AlwaysSample()))
		tracer := &Tracer{provider: provider, tracer: provider.Tracer("test")}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Traceparent"], r.Header["Tracestate"] = []string{traceparent}, []string{tracestate}
		ctx, end := tracer.Begin(r)
		_, done := tracer.Span(ctx, "below")
		done(nil)
		end(Request{Route: "/", Status: 200})
		if err := tracer.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		ended := spans.Ended()
		if len(ended) != 2 {
			t.Fatalf("%d spans", len(ended))
		}
		request := ended[1]
		if below := ended[0]; below.Parent().SpanID() != request.SpanContext().SpanID() || below.SpanContext().TraceID() != request.SpanContext().TraceID() {
			t.Error("what was done for the request is not below it")
		}
		trace, above := request.SpanContext().TraceID(), request.Parent().SpanID()
		if !trace.IsValid() || !request.SpanContext().SpanID().IsValid() {
			t.Errorf("the request is span %v of trace %v", request.SpanContext().SpanID(), trace)
		}
		m := parent.FindStringSubmatch(traceparent)
		switch {
		case above.IsValid() && (m == nil || m[1] == "ff" || m[2] != trace.String() || m[3] != above.String()):
			t.Errorf("%q: the request is below %v of %v", traceparent, above, trace)
		case !above.IsValid() && m != nil && m[1] == "00" && len(traceparent) == 55 && strings.Trim(m[2], "0") != "" && strings.Trim(m[3], "0") != "" && (m[4] == "00" || m[4] == "01"):
			t.Errorf("%q: the request is in a trace of its own", traceparent)
		}
	})
}
