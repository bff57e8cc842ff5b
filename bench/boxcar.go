package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
)

const boxcarToken = "bench-token"

// buildBoxcar puts the binary into dir.
func buildBoxcar(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "boxcar")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "boxcar/cmd/boxcar")
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build boxcar: %w\n%s", err, out)
	}
	return binary, nil
}

// startBoxcar starts it with more flags. Its url is without TLS.
func startBoxcar(ctx context.Context, binary, dir string, part int64, flags ...string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--data", filepath.Join(dir, "data"), "--listen", addr, "--developer-token", boxcarToken, "--min-chunked-size", "0"}
	if part > 0 {
		args = append(args, "--part-size", fmt.Sprint(part))
	}
	return launch(ctx, "boxcar", dir, "http://"+addr, exec.Command(binary, append(args, flags...)...), listening(addr))
}

// startBoxcarTLS starts it with a certificate by its own authority, for Box's
// hosts and for this machine.
func startBoxcarTLS(ctx context.Context, binary, dir string, part int64) (*server, error) {
	s, err := startBoxcar(ctx, binary, dir, part, "--box-hosts")
	if err == nil {
		s.url = strings.Replace(s.url, "http:", "https:", 1)
	}
	return s, err
}

// caOf is the file with that authority.
func caOf(s *server) string { return filepath.Join(s.dir, "data", "ca", "ca.pem") }

func boxcarTarget(binary string) target {
	return target{
		name: "boxcar",
		start: func(ctx context.Context, dir string, part int64) (*server, error) {
			return startBoxcar(ctx, binary, dir, part)
		},
		sender: func(s *server, conns int) (sender, error) { return newBoxcar(s.url, conns, nil), nil },
	}
}

// boxcar speaks its protocol.
type boxcar struct{ *client }

func newBoxcar(url string, conns int, config *tls.Config) boxcar {
	return boxcar{newClient(url, conns, config, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+boxcarToken) })}
}

const sessionsPath = "/2.0/files/upload_sessions"

// createSession opens a session for a new file.
func (c boxcar) createSession(ctx context.Context, size int64, name string) (at string, part int64, err error) {
	return c.sessionAt(ctx, sessionsPath, fmt.Sprintf(`{"folder_id":"0","file_name":%q,"file_size":%d}`, name, size))
}

// createVersion opens a session for a new version of a file.
func (c boxcar) createVersion(ctx context.Context, file string, size int64) (at string, part int64, err error) {
	return c.sessionAt(ctx, "/2.0/files/"+file+"/upload_sessions", fmt.Sprintf(`{"file_size":%d}`, size))
}

func (c boxcar) sessionAt(ctx context.Context, path, body string) (at string, part int64, err error) {
	got, err := c.do(ctx, "POST", path, strings.NewReader(body), int64(len(body)), 201)
	if err != nil {
		return "", 0, err
	}
	var ses struct {
		ID       string `json:"id"`
		PartSize int64  `json:"part_size"`
	}
	err = json.Unmarshal(got.body, &ses)
	return sessionsPath + "/" + ses.ID, ses.PartSize, err
}

func (c boxcar) begin(ctx context.Context, f *file, name string) (sending, error) {
	return c.beginFile(ctx, f, name)
}

func (c boxcar) beginFile(ctx context.Context, f *file, name string) (*boxcarSending, error) {
	at, part, err := c.createSession(ctx, f.size, name)
	if err != nil {
		return nil, err
	}
	return newBoxcarSending(c, f, at, part)
}

// putFile sends a file for something else that is measured, and returns its id.
func (c boxcar) putFile(ctx context.Context, f *file, name string) (id string, err error) {
	to, err := c.beginFile(ctx, f, name)
	if err != nil {
		return "", err
	}
	if err := sendParts(ctx, to, upload{}.order(f.parts(), 0), 4); err != nil {
		return "", err
	}
	err = to.commit(ctx)
	return to.made, err
}

// boxcarSending is an upload session.
type boxcarSending struct {
	boxcar
	f     *file
	at    string
	parts []json.RawMessage // as they were acknowledged
	made  string            // the file's id, once it is committed
}

func newBoxcarSending(c boxcar, f *file, at string, part int64) (*boxcarSending, error) {
	if part != f.part {
		return nil, fmt.Errorf("the server wants parts of %d bytes, and the load has %d", part, f.part)
	}
	return &boxcarSending{boxcar: c, f: f, at: at, parts: make([]json.RawMessage, f.parts())}, nil
}

func digest(of sum) string { return "sha=" + inBase64(of) }

func (s *boxcarSending) part(ctx context.Context, i int) error {
	body, err := s.f.open(i)
	if err != nil {
		return err
	}
	first, n, want := int64(i)*s.f.part, s.f.length(i), s.f.sum(i)
	got, err := s.do(ctx, "PUT", s.at, body, n, 200,
		"Digest", digest(want), "Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+n-1, s.f.size))
	if err != nil {
		return err
	}
	var reply struct{ Part json.RawMessage }
	var part struct {
		Offset, Size int64
		SHA1         string
	}
	if err := json.Unmarshal(got.body, &reply); err != nil {
		return err
	}
	if err := json.Unmarshal(reply.Part, &part); err != nil {
		return err
	}
	if part.Offset != first || part.Size != n || part.SHA1 != hex.EncodeToString(want[:]) {
		return fmt.Errorf("%d bytes at %d with SHA-1 %x were acknowledged as %s", n, first, want, reply.Part)
	}
	s.parts[i] = reply.Part
	return nil
}

func (s *boxcarSending) commit(ctx context.Context) error {
	b, err := json.Marshal(map[string]any{"parts": s.parts})
	if err != nil {
		return err
	}
	got, err := s.do(ctx, "POST", s.at+"/commit", bytes.NewReader(b), int64(len(b)), 201, "Digest", digest(s.f.whole))
	if err != nil {
		return err
	}
	s.made, err = madeFile(got.body, s.f.size, s.f.whole)
	return err
}

// madeFile is the id of the file that a 201 speaks of, which has to be the one
// that was sent.
func madeFile(body []byte, size int64, of sum) (id string, err error) {
	var made struct {
		Entries []struct {
			ID   string
			Size int64
			SHA1 string
		}
	}
	if err := json.Unmarshal(body, &made); err != nil {
		return "", err
	}
	if len(made.Entries) != 1 || made.Entries[0].Size != size || made.Entries[0].SHA1 != hex.EncodeToString(of[:]) {
		return "", fmt.Errorf("not a file of %d bytes with SHA-1 %x: %s", size, of, body)
	}
	return made.Entries[0].ID, nil
}
