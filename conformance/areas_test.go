//go:build conformance

package conformance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// areas are the parts of the API around an upload. For each there is a program
// of its own in node10 and in python10; java10 has them in one, Areas.
var areas = []string{
	"auth", "users", "folders", "files", "trash", "downloads", "uploads", "versions", "sharedlinks", "search", "events",
	"recents", "favourites", "weblinks",
}

// inAreas runs the program of each area against a server of its own.
func inAreas(t *testing.T, dir, ext string, env []string, program string, args ...string) {
	for _, area := range areas {
		t.Run(area, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			suite(t, dir, s.env(append(s.accounts(), env...)...), program, append(args, area+ext)...)
		})
	}
}

// accounts makes an application, the configuration that SDKs log in with, and a
// user with a password beside the administrator. It is what suites are told of them.
func (s *server) accounts() []string {
	t := s.t
	t.Helper()
	const redirect, login = "http://127.0.0.1:9/callback", "person@example.com" // nothing listens there
	boxcarSays := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(boxcar, append(args, "--data", s.data)...).Output()
		if err != nil {
			t.Fatalf("boxcar %s: %v", strings.Join(args, " "), err)
		}
		return string(out)
	}
	app := regexp.MustCompile(`client id +(\S+)\nclient secret +(\S+)\n`).FindStringSubmatch(
		boxcarSays("app", "add", "conformance", "--redirect-uri", redirect))
	if app == nil {
		t.Fatal("boxcar app add does not say what it made")
	}
	config := filepath.Join(t.TempDir(), "config.json")
	boxcarSays("app", "config", app[1], "--client-secret", app[2], "--out", config)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		EnterpriseID string `json:"enterpriseID"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	user := strings.Fields(boxcarSays("user", "add", login, "--name", "Person", "--generate-password"))
	if len(user) != 2 {
		t.Fatalf("boxcar user add says %q", user)
	}
	return []string{
		"BOXCAR_CLIENT_ID=" + app[1], "BOXCAR_CLIENT_SECRET=" + app[2], "BOXCAR_APP_CONFIG=" + config,
		"BOXCAR_REDIRECT_URI=" + redirect, "BOXCAR_ENTERPRISE_ID=" + read.EnterpriseID,
		"BOXCAR_USER_ID=" + user[0], "BOXCAR_LOGIN=" + login, "BOXCAR_PASSWORD=" + user[1],
	}
}
