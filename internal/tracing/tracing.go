// Package tracing tells a collector of OpenTelemetry traces what a server does:
// a span for each request, and below it what services and storage did for it.
package tracing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says where spans go.
type Config struct {
	// Endpoint is the URL of a collector that speaks OTLP over HTTP; /v1/traces is
	// added where it has no path. If it is empty, the OTEL_* variables say.
	Endpoint string
	Version  string // of the server
	// UserKey makes users' ids into names that nobody without it can turn back.
	UserKey []byte
	Log     *slog.Logger // of what the collector does not take
}

// Tracer makes spans. Its methods may be called concurrently.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	key      []byte
}

// incoming reads the span that a client or proxy began (W3C traceparent).
var incoming = propagation.TraceContext{}

// New makes a Tracer. It does not wait for the collector: what is not taken is
// tried again for a while, and then lost. Sampling is as OTEL_TRACES_SAMPLER
// says, otherwise of all that a parent does not decide.
func New(ctx context.Context, cfg Config) (*Tracer, error) {
	var options []otlptracehttp.Option
	if cfg.Endpoint != "" {
		to, err := url.Parse(cfg.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("traces: %w", err)
		}
		if to.Path == "" || to.Path == "/" {
			to.Path = "/v1/traces"
		}
		options = append(options, otlptracehttp.WithEndpointURL(to.String()))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come later, and so win.
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "boxcar"), attribute.String("service.version", cfg.Version)),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(logged{exporter, cfg.Log}), sdk.WithResource(about))
	return &Tracer{provider: provider, tracer: provider.Tracer("boxcar"), key: cfg.UserKey}, nil
}

// Close sends what has not been sent, until ctx is done.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Request is one that is over.
type Request struct {
	Route  string // its pattern
	Status int
	Cut    bool   // the reply did not get to its end
	Code   string // of the error; "" for none
	ID     string // which the reply had
	User   string // id; "" for nobody
	In     int64  // bytes of the body received
	Out    int64  // and sent
}

// Begin begins the span of a request, below the one that its headers name. The
// request goes on with the context; end is called once, when it is over.
func (t *Tracer) Begin(r *http.Request) (context.Context, func(Request)) {
	ctx := incoming.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(done Request) {
		defer span.End()
		if !span.IsRecording() {
			return
		}
		span.SetName(r.Method + " " + done.Route)
		span.SetAttributes(
			attribute.String("http.request.method", r.Method),
			attribute.String("http.route", done.Route),
			attribute.Int("http.response.status_code", done.Status),
			attribute.Int64("http.request.body.size", done.In),
			attribute.Int64("http.response.body.size", done.Out),
			attribute.String("boxcar.request.id", done.ID),
		)
		if done.User != "" {
			span.SetAttributes(attribute.String("enduser.pseudo.id", t.pseudonym(done.User)))
		}
		if done.Code != "" {
			span.SetAttributes(attribute.String("error.type", done.Code))
		}
		switch {
		case done.Cut:
			span.SetStatus(codes.Error, "the reply was cut short")
		case done.Status >= 500:
			span.SetStatus(codes.Error, "")
		}
	}
}

// Span begins a span below that of ctx; without one there is none, so that
// chores make no traces. end is called once.
func (t *Tracer) Span(ctx context.Context, name string) (context.Context, func(error)) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, name)
	return ctx, func(err error) {
		if err != nil {
			// The text may name what people keep: it stays in the log.
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// pseudonym is the same for a user at all times.
func (t *Tracer) pseudonym(user string) string {
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte(user))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// logged keeps what an exporter can't send out of OpenTelemetry's global error
// handler.
type logged struct {
	sdk.SpanExporter
	log *slog.Logger
}

func (l logged) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := l.SpanExporter.ExportSpans(ctx, spans); err != nil {
		l.log.Warn("traces were not taken by the collector", "spans", len(spans), "error", err)
	}
	return nil
}
