package main

import (
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is not there as it was sent, or not alone, has not arrived.
func TestParcelsAreLookedAfter(t *testing.T) {
	b, done, err := newBench(t.TempDir(), gib)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	var folders map[string][]item
	fake := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		folder := strings.Split(r.URL.Path, "/")[3]
		json.NewEncoder(w).Encode(map[string]any{"entries": folders[folder]})
	}))
	defer fake.Close()
	s := &server{url: fake.URL, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Dir(caOf(s)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(caOf(s), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: fake.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []parcel{{1, 1000}, {3, 10}} {
		sent, err := b.parcel(p)
		if err != nil {
			t.Fatal(err)
		}
		var all []item
		for name, of := range sent.sums {
			all = append(all, item{ID: "7", Name: name, Size: p.size, SHA1: hex.EncodeToString(of[:])})
		}
		// at is the lists of a server whose files are these.
		at := func(files []item) map[string][]item {
			if p.files == 1 {
				return map[string][]item{"0": files}
			}
			return map[string][]item{"0": {{ID: "5", Name: filepath.Base(sent.path)}}, "5": files}
		}
		other := append([]item{}, all...)
		other[0].SHA1 = strings.Repeat("0", 40)
		short := append([]item{}, all...)
		short[0].Size--
		for _, c := range []struct {
			what  string
			files []item
			ok    bool
		}{
			{"all of it", all, true},
			{"another file", other, false},
			{"a shorter one", short, false},
			{"one less", all[1:], false},
			{"one more", append([]item{{ID: "8", Name: "more"}}, all...), false},
		} {
			folders = at(c.files)
			if err := sent.arrived(t.Context(), s); (err == nil) != c.ok {
				t.Errorf("%d files, %s: %v", p.files, c.what, err)
			}
		}
	}
}
