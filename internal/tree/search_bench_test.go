package tree_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
	"boxcar/internal/tree"
)

// BenchmarkSearch searches many files of one user, BOXCAR_BENCH_ITEMS of them,
// and says what each cost to insert, with the index and (without words) without.
func BenchmarkSearch(b *testing.B) {
	items := 20_000
	if n, err := strconv.Atoi(os.Getenv("BOXCAR_BENCH_ITEMS")); err == nil {
		items = n
	}
	// With BOXCAR_BENCH_DIR the database is made there once, and kept.
	dir := os.Getenv("BOXCAR_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	_, statErr := os.Stat(filepath.Join(dir, "meta.db"))
	store, err := sqlite.Open(filepath.Join(dir, "meta.db"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	now := time.Unix(1_900_000_000, 0)
	s := &tree.Service{Meta: store, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	alice, bob := content.Principal{User: 1, Root: 10, Admin: true}, content.Principal{User: 2, Root: 20}
	id := content.ID(1 << 50)
	item := func(kind meta.ItemKind, id, parent, owner content.ID, name string) meta.Item {
		return meta.Item{ID: id, Kind: kind, Parent: parent, Name: name, Key: content.NameKey(name), Owner: owner, CreatedBy: owner, ModifiedBy: owner,
			CreatedAt: now, ModifiedAt: now.Add(time.Duration(id%1000) * time.Hour), ContentCreatedAt: now, ContentModifiedAt: now}
	}
	update := func(fn func(tx meta.Tx) error) {
		b.Helper()
		if err := store.Update(b.Context(), fn); err != nil {
			b.Fatal(err)
		}
	}
	folder := id + 1000
	fillAll := func() {
		update(func(tx meta.Tx) error {
			tx.InsertEnterprise(content.Enterprise{ID: 1})
			for _, who := range []content.Principal{alice, bob} {
				tx.InsertUser(content.User{Person: content.Person{ID: who.User, Login: fmt.Sprint(who.User)}, Enterprise: content.Enterprise{ID: 1}, Root: who.Root})
				tx.InsertItem(item(meta.Folder, who.Root, 0, who.User, "All Files"))
			}
			return nil
		})
		// fill makes n files in folders of 1,000 each, and returns the last folder.
		fill := func(n int, who content.Principal, name func(i int) string) (folder content.ID, each time.Duration) {
			began := time.Now()
			for from := 0; from < n; from += 200 {
				update(func(tx meta.Tx) error {
					if from%1000 == 0 {
						id += 1000
						folder = id
						if err := tx.InsertItem(item(meta.Folder, folder, who.Root, who.User, fmt.Sprint("§", folder))); err != nil {
							return err
						}
					}
					for i := from; i < min(n, from+200); i++ {
						id += 37
						it := item(meta.File, id, folder, who.User, name(i))
						it.Current = meta.Version{ID: id + 1, File: id, Number: 1, Name: it.Name, Size: 5, Manifest: meta.Manifest(id), CreatedBy: who.User}
						if err := tx.InsertVersion(it.Current); err != nil {
							return err
						}
						if err := tx.InsertItem(it); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return folder, time.Since(began) / time.Duration(n)
		}
		symbols := strings.NewReplacer("0", "+", "1", "-", "2", "=", "3", "$", "4", "%", "5", "^", "6", "~", "7", "!", "8", "@", "9", "#")
		named := func(i int) string { return fmt.Sprintf("Report %d k%d w%d.pdf", i, i%97, i*7919%20011) }
		_, without := fill(min(items/10, 20_000), alice, func(i int) string { return symbols.Replace(fmt.Sprint(i)) })
		_, first := fill(min(items/10, 20_000), bob, func(i int) string { return named(i) })
		var with time.Duration
		folder, with = fill(items, alice, named)
		_, last := fill(min(items/10, 20_000), alice, func(i int) string { return fmt.Sprintf("Report %d l%d w%d.pdf", items+i, i%97, i*7919%20011) })
		_, lastWithout := fill(min(items/10, 20_000), alice, func(i int) string { return symbols.Replace(fmt.Sprint(items + i)) })
		b.Logf("%d items; each insert: %v without words, %v with, at first; %v on average; %v with words, %v without, at last", items, without, first, with, last, lastWithout)
	}
	if statErr != nil {
		fillAll()
	}

	for _, q := range []struct {
		name, query string
		edit        func(*tree.Search)
		who         content.Principal
	}{
		{"rare", "w4242", nil, alice},
		{"one", fmt.Sprint(items / 2), nil, alice},
		{"common", "report", nil, alice},
		{"nothing", "nowhere", nil, alice},
		{"common and rare", "report w4242", nil, alice},
		{"three common", "report k7 pdf", nil, alice},
		{"two of all", "pdf report", nil, alice},
		{"never together", `"k7" "k8"`, nil, alice},
		{"common and prefix of many", "report w1", nil, alice},
		{"less common and prefix of many", "k7 w1", nil, alice},
		{"prefix of one", "repor", nil, alice},
		{"prefix of many", "w1", nil, alice},
		{"prefix of all", "r", nil, alice},
		{"prefix of numbers", "1", nil, alice},
		{"phrase", `"report 77"`, nil, alice},
		{"by date", "report", func(s *tree.Search) { s.ByDate = true }, alice},
		{"owner", "report", func(s *tree.Search) { s.Enterprise, s.Owners = true, []content.ID{2} }, alice},
		{"enterprise", "report", func(s *tree.Search) { s.Enterprise = true }, alice},
		{"another owner", "k7", nil, bob},
		{"in a folder", "report", func(s *tree.Search) { s.Folders = []content.ID{folder} }, alice},
		{"in the root", "report", func(s *tree.Search) { s.Folders = []content.ID{0} }, alice},
		{"extension", "report", func(s *tree.Search) { s.Extensions = []string{"pdf"} }, alice},
		{"wrong extension", "report", func(s *tree.Search) { s.Extensions = []string{"txt", "doc"} }, alice},
		{"folders", "report", func(s *tree.Search) { k := meta.Folder; s.Kind = &k }, alice},
		{"offset 5000", "report", func(s *tree.Search) { s.Offset = 5000 }, alice},
	} {
		b.Run(q.name, func(b *testing.B) {
			search := tree.Search{Limit: 30}
			var err error
			if search.Query, err = content.ParseQuery(q.query); err != nil {
				b.Fatal(err)
			}
			if q.edit != nil {
				q.edit(&search)
			}
			var found tree.Found
			for b.Loop() {
				if found, err = s.Search(b.Context(), q.who, search); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(found.Total), "found")
		})
	}
}
