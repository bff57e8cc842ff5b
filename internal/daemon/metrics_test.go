package daemon_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"

	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
)

// metricName is the label that a metric's name is under.
const metricName = "__name__"

// scrape is one sample a line, by name and labels as they are written.
func scrape(t *testing.T, s *daemontest.Server) map[string]float64 {
	t.Helper()
	resp, err := http.Get(s.MetricsURL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("scrape: %d, %v", resp.StatusCode, err)
	}
	samples := map[string]float64{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		samples[line[:at]] = v
	}
	return samples
}

func watched(c *daemon.Config) {
	inParts(c)
	c.MetricsListen, c.ScrubRate, c.Version = "127.0.0.1:0", 1<<30, "v0-test"
}

// TestMetricsTellWhatHappened uploads, and looks at all that is counted of it.
func TestMetricsTellWhatHappened(t *testing.T) {
	s := daemontest.Start(t, func(c *daemon.Config) {
		watched(c)
		quota := int64(1 << 30)
		c.Quota = &quota
	})
	data := make([]byte, 150_000)
	rand.Read(data)
	file := upload(t, s, "", "a.bin", data)
	status, b := do(t, s, "POST", "/2.0/files/upload_sessions", []byte(`{"folder_id":"0","file_size":70000,"file_name":"b.bin"}`))
	if status != 201 {
		t.Fatalf("%d %s", status, b)
	}
	var ses struct{ ID string }
	json.Unmarshal(b, &ses)
	part := data[:64<<10]
	if status, _ := do(t, s, "PUT", "/2.0/files/upload_sessions/"+ses.ID, part, "Digest", digestOf(data), "Content-Range", "bytes 0-65535/70000"); status != 412 && status != 400 {
		t.Fatalf("a part with another digest: %d", status)
	}
	if status, b := do(t, s, "GET", "/2.0/files/"+file+"/content", nil); status != 200 || len(b) != len(data) {
		t.Fatalf("download: %d", status)
	}
	do(t, s, "GET", "/2.0/nothing/here", nil)
	do(t, s, "BREW", "/2.0/nothing/here", nil)
	s.Chores(t.Context())
	s.Clock.Add(25 * 60 * 60 * 1e9)
	s.Scrub(t.Context())

	got := scrape(t, s)
	for sample, want := range map[string]float64{
		`boxcar_http_request_duration_seconds_count{class="2xx",method="PUT",route="/files/upload_sessions/:session"}`: 3,
		`boxcar_http_request_duration_seconds_count{class="2xx",method="POST",route="/files/upload_sessions"}`:         2,
		`boxcar_http_request_duration_seconds_count{class="4xx",method="GET",route="none"}`:                            1,
		`boxcar_http_request_duration_seconds_count{class="4xx",method="other",route="none"}`:                          1,
		`boxcar_http_request_body_bytes_total{route="/files/upload_sessions/:session"}`:                                150_000 + 65536,
		`boxcar_http_response_body_bytes_total{route="/content/:grant"}`:                                               150_000,
		`boxcar_http_errors_total{code="digest_mismatch"}`:                                                             1,
		`boxcar_http_errors_total{code="not_found"}`:                                                                   2,
		`boxcar_http_requests_in_flight`:                                                                               0,
		`boxcar_upload_operations_total{operation="part",outcome="ok"}`:                                                3,
		`boxcar_upload_operations_total{operation="part",outcome="digest_mismatch"}`:                                   1,
		`boxcar_upload_operations_total{operation="commit",outcome="ok"}`:                                              1,
		`boxcar_upload_operations_total{operation="create",outcome="ok"}`:                                              2,
		`boxcar_upload_operation_duration_seconds_count{operation="part"}`:                                             4,
		`boxcar_upload_bodies_in_flight`:                                                                               0,
		`boxcar_upload_bodies_waiting`:                                                                                 0,
		`boxcar_upload_places`:                                                                                         128,
		`boxcar_upload_sessions_open`:                                                                                  1,
		`boxcar_upload_reserved_bytes`:                                                                                 70_000,
		`boxcar_users_used_bytes`:                                                                                      150_000,
		`boxcar_users_quota_bytes`:                                                                                     1 << 30,
		`boxcar_users`:                                                                                                 1,
		`boxcar_users_without_quota`:                                                                                   0,
		`boxcar_fsync_duration_seconds_count{of="file"}`:                                                               4, // of the part that was refused, too: it is synced while it is hashed
		`boxcar_fsync_errors_total{of="file"}`:                                                                         0,
		`boxcar_scrub_blobs_total`:                                                                                     3,
		`boxcar_scrub_bytes_total`:                                                                                     150_000,
		`boxcar_scrub_progress_ratio`:                                                                                  1,
		`boxcar_scrub_rotten_blobs`:                                                                                    0,
		`boxcar_build_info{goversion="` + goVersion() + `",version="v0-test"}`:                                         1,
	} {
		if v, ok := got[sample]; !ok || v != want {
			t.Errorf("%s is %v (there: %v), want %v", sample, v, ok, want)
		}
	}
	for _, sample := range []string{
		`boxcar_fsync_duration_seconds_count{of="directory"}`, `boxcar_db_update_duration_seconds_count`, `boxcar_db_batch_updates_sum`,
		`boxcar_db_commit_duration_seconds_count`, `boxcar_db_file_bytes`, `boxcar_db_wal_bytes`, `boxcar_disk_free_bytes`, `boxcar_disk_size_bytes`,
		`boxcar_sweep_last_success_timestamp_seconds`, `process_resident_memory_bytes`, `go_goroutines`,
	} {
		if v := got[sample]; !(v > 0) && goodSystem(sample) {
			t.Errorf("%s is %v, want more than 0", sample, v)
		}
	}
}

// TestPlacesAreCountedWhileTheyAreTaken holds a part up on its way.
func TestPlacesAreCountedWhileTheyAreTaken(t *testing.T) {
	s := daemontest.Start(t, func(c *daemon.Config) { watched(c); c.Uploads.Writers = 1 })
	_, b := do(t, s, "POST", "/2.0/files/upload_sessions", []byte(`{"folder_id":"0","file_size":131072,"file_name":"b.bin"}`))
	var ses struct{ ID string }
	json.Unmarshal(b, &ses)
	done := make(chan int, 2)
	var bodies []*io.PipeWriter
	for n := range 2 {
		r, w := io.Pipe()
		bodies = append(bodies, w)
		go func() {
			req, _ := http.NewRequest("PUT", s.URL+"/2.0/files/upload_sessions/"+ses.ID, r)
			req.ContentLength = 64 << 10
			req.Header.Set("Authorization", "Bearer "+s.Token)
			req.Header.Set("Digest", digestOf(make([]byte, 64<<10)))
			req.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/131072", n<<16, n<<16+65535))
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				done <- 0
				return
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	for _, w := range bodies {
		go w.Write(make([]byte, 100))
	}
	daemontest.Eventually(t, "one body in flight, one waiting", func() bool {
		got := scrape(t, s)
		return got["boxcar_upload_bodies_in_flight"] == 1 && got["boxcar_upload_bodies_waiting"] == 1 && got["boxcar_http_requests_in_flight"] == 2
	})
	for _, w := range bodies {
		go func() { w.Write(make([]byte, 64<<10-100)); w.Close() }()
	}
	for range bodies {
		if status := <-done; status != 200 {
			t.Errorf("a part got %d", status)
		}
	}
}

// TestTheMainListenerHasNoMetrics nor profiles, and without the flag nothing listens.
func TestTheMainListenerHasNoMetrics(t *testing.T) {
	s := daemontest.Start(t, watched)
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars"} {
		if status, b := do(t, s, "GET", path, nil); status != 404 {
			t.Errorf("%s: %d %.100s", path, status, b)
		}
	}
	if status, b := do(t, s, "GET", strings.TrimSuffix(s.MetricsURL(), "/metrics")+"/debug/pprof/goroutine?debug=1", nil); status != 200 || !strings.Contains(string(b), "goroutine") {
		t.Errorf("profile: %d %.100s", status, b)
	}
	if status, b := do(t, s, "GET", strings.TrimSuffix(s.MetricsURL(), "/metrics")+"/debug/pprof/cmdline", nil); status != 404 {
		t.Errorf("the command line, which may have a token: %d %.100s", status, b)
	}
	if off := daemontest.Start(t, nil); off.MetricsURL() != "" {
		t.Errorf("metrics at %s, and nobody asked for them", off.MetricsURL())
	}
}

// TestTwoServersCountForThemselves in one process.
func TestTwoServersCountForThemselves(t *testing.T) {
	a, b := daemontest.Start(t, watched), daemontest.Start(t, watched)
	upload(t, a, "", "a.bin", []byte("a"))
	const sample = `boxcar_upload_operations_total{operation="commit",outcome="ok"}`
	if n := scrape(t, a)[sample]; n != 1 {
		t.Errorf("the one that committed counts %v", n)
	}
	if _, ok := scrape(t, b)[sample]; ok {
		t.Error("the other counts it, too")
	}
}

// selectors are what an expression asks for. What a scrape adds by itself is left out.
func selectors(t *testing.T, where, expr string) (all []*parser.VectorSelector) {
	t.Helper()
	e, err := parser.ParseExpr(expr)
	if err != nil {
		t.Errorf("%s: %s: %v", where, expr, err)
		return nil
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			v.LabelMatchers = slices.DeleteFunc(v.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == metricName || m.Name == "instance" || m.Name == "job"
			})
			all = append(all, v)
		}
		return nil
	})
	return all
}

type alert struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	f, err := os.Open("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// TestDashboardAndAlertsAskForWhatIsThere compares every name and label in them with a
// scrape of a server over TLS that has done a bit of everything.
func TestDashboardAndAlertsAskForWhatIsThere(t *testing.T) {
	type asked struct {
		where string
		*parser.VectorSelector
	}
	var wanted []asked
	ask := func(where, expr string) {
		for _, v := range selectors(t, where, expr) {
			wanted = append(wanted, asked{where, v})
		}
	}
	for _, a := range alerts(t) {
		if a.Annotations["summary"] == "" || a.Labels["severity"] == "" {
			t.Errorf("alert %s has no summary or severity", a.Alert)
		}
		ask("alert "+a.Alert, a.Expr)
	}
	text, err := os.ReadFile("../../deploy/grafana/boxcar.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			ask("panel "+p.Title, strings.NewReplacer("$__rate_interval", "5m", "$instance", "x").Replace(target.Expr))
		}
	}
	if len(wanted) < 30 {
		t.Fatalf("only %d names were found", len(wanted))
	}

	s := daemontest.Start(t, func(c *daemon.Config) { watched(c); c.BoxHosts = true; c.PlainListen = "127.0.0.1:0" })
	s.URL = s.PlainURL()
	upload(t, s, "", "a.bin", []byte("some bytes"))
	do(t, s, "GET", "/2.0/nothing", nil)
	s.Chores(t.Context())
	wrong := digestOf([]byte("other bytes"))
	_, b := do(t, s, "POST", "/2.0/files/upload_sessions", []byte(`{"folder_id":"0","file_size":70000,"file_name":"b.bin"}`))
	var ses struct{ ID string }
	json.Unmarshal(b, &ses)
	do(t, s, "PUT", "/2.0/files/upload_sessions/"+ses.ID, make([]byte, 64<<10), "Digest", wrong, "Content-Range", "bytes 0-65535/70000")
	const form = "--x\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n{\"name\":\"c\",\"parent\":{\"id\":\"0\"}}\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"c\"\r\n\r\nc\r\n--x--\r\n"
	do(t, s, "POST", "/2.0/files/content", []byte(form), "Content-Type", "multipart/form-data; boundary=x", "Content-MD5", strings.Repeat("0", 40))

	there := map[string][]labels.Labels{"up": {labels.EmptyLabels()}}
	for line := range scrape(t, s) {
		m, err := parser.ParseMetric(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		there[m.Get(metricName)] = append(there[m.Get(metricName)], m)
	}
	for _, w := range wanted {
		all := there[w.Name]
		if len(all) == 0 {
			t.Errorf("%s asks for %s, and there is no such metric", w.where, w.Name)
			continue
		}
		for _, m := range w.LabelMatchers {
			var values []string
			for _, l := range all {
				if v := l.Get(m.Name); v != "" {
					values = append(values, v)
				}
			}
			one := m.SetMatches() // of a|b
			if m.Type == labels.MatchEqual {
				one = []string{m.Value}
			}
			for _, v := range one {
				if !slices.Contains(values, v) && v != "5xx" { // nothing has gone wrong
					t.Errorf("%s asks for %s with %s %q, and there are %q", w.where, w.Name, m.Name, v, values)
				}
			}
			if len(values) == 0 {
				t.Errorf("%s asks for %s by %s, which it has not", w.where, w.Name, m.Name)
			}
		}
	}
}

// TestTheHandbookHasEveryMetric that a server has, and no others.
func TestTheHandbookHasEveryMetric(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("`(boxcar_[a-z_]+)`").FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = true
	}
	s := daemontest.Start(t, func(c *daemon.Config) { watched(c); c.BoxHosts = true; c.PlainListen = "127.0.0.1:0" })
	s.URL = s.PlainURL()
	upload(t, s, "", "a.bin", []byte("some bytes"))
	do(t, s, "GET", "/2.0/nothing", nil)
	s.Chores(t.Context())
	there := map[string]bool{}
	sample := regexp.MustCompile(`^boxcar_[a-z_]+`)
	for line := range scrape(t, s) {
		name := sample.FindString(line)
		for _, end := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, end)
		}
		there[name] = name != ""
	}
	for name := range there {
		if !told[name] && name != "" {
			t.Errorf("docs/operations.md says nothing about %s", name)
		}
	}
	for name := range told {
		if !there[name] {
			t.Errorf("docs/operations.md tells of %s, and there is no such metric", name)
		}
	}
}

// TestTheHandbookHasEveryAlert with what to do.
func TestTheHandbookHasEveryAlert(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts(t) {
		if !strings.Contains(string(text), "**"+a.Alert+"**") {
			t.Errorf("docs/operations.md says nothing about %s", a.Alert)
		}
	}
}

func goVersion() string { return runtime.Version() }

// goodSystem says whether a sample is there on this system.
func goodSystem(sample string) bool {
	return runtime.GOOS == "linux" || !strings.HasPrefix(sample, "boxcar_disk_") && !strings.HasPrefix(sample, "process_")
}
