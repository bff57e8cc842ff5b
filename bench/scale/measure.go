package scale

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/tree"
	"boxcar/internal/upload"
)

// try is one thing to measure, by a call of a service and over HTTP. Either may be nil.
type try struct {
	name          string
	service, http func(i int) (time.Duration, error)
}

// took measures what takes no preparation.
func took(fn func(i int) error) func(i int) (time.Duration, error) {
	return func(i int) (time.Duration, error) {
		begun := time.Now()
		err := fn(i)
		return time.Since(begun), err
	}
}

func (h *house) measure(s size, rounds int, only *regexp.Regexp) (all []result, err error) {
	places := map[string]content.ID{}
	err = h.rows.View(h.ctx, func(tx meta.Tx) error {
		for _, name := range []string{bigFolder, moveFolder, hallFolder, restFolder} {
			row, err := tx.ItemNamed(h.who.Root, name)
			if err != nil {
				return err
			}
			places[name] = row.ID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	tries, err := h.tries(s, places)
	if err != nil {
		return nil, err
	}
	for _, t := range tries {
		if !only.MatchString(t.name) {
			continue
		}
		r := result{name: t.name}
		for k, fn := range []func(int) (time.Duration, error){t.service, t.http} {
			if fn == nil {
				continue
			}
			var ds []time.Duration
			var used time.Duration
			for i := range rounds + 1 {
				d, err := fn(2*i + k)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", t.name, err)
				}
				if i == 0 { // it fills caches
					used = cpu()
					continue
				}
				ds = append(ds, d)
			}
			r.cpu[k] = (cpu() - used) / time.Duration(rounds)
			if k == 0 {
				r.service = ds
			} else {
				r.http = ds
			}
		}
		log.Printf("%v: %s: %s (CPU %s), over HTTP %s (CPU %s)", s, r.name, cell(r.service), ms(r.cpu[0]), cell(r.http), ms(r.cpu[1]))
		all = append(all, r)
	}
	long, err := h.beside(s, places, only)
	return append(all, long...), err
}

var orders = []struct {
	name string
	by   tree.Order
}{{"name", tree.ByName}, {"id", tree.ByID}, {"date", tree.ByDate}, {"size", tree.BySize}}

func (h *house) tries(s size, places map[string]content.ID) (all []try, err error) {
	big := places[bigFolder]
	list := func(page tree.Page) func(int) (time.Duration, error) {
		return took(func(int) error {
			l, err := h.tree.List(h.ctx, h.who, big, page)
			if err == nil && len(l.Items) != 1000 {
				err = fmt.Errorf("%d items", len(l.Items))
			}
			return err
		})
	}
	get := func(path string) func(int) (time.Duration, error) {
		return took(func(int) error { _, err := h.do("GET", path, "", 200); return err })
	}
	items := fmt.Sprintf("/2.0/folders/%v/items?limit=1000", big)
	for _, offset := range []int64{0, 9000} {
		for _, o := range orders {
			for _, desc := range []bool{false, true} {
				direction := "ASC"
				if desc {
					direction = "DESC"
				}
				all = append(all, try{
					fmt.Sprintf("1,000 entries by %s %s from %d", o.name, direction, offset),
					list(tree.Page{Order: o.by, Desc: desc, Offset: offset, Limit: 1000}),
					get(fmt.Sprintf("%s&sort=%s&direction=%s&offset=%d", items, o.name, direction, offset)),
				})
			}
		}
	}

	middle := fileName(s.folder / 2)
	var at meta.Item
	err = h.rows.View(h.ctx, func(tx meta.Tx) (err error) { at, err = tx.ItemNamed(big, content.NameKey(middle)); return err })
	if err != nil {
		return nil, err
	}
	// As httpapi writes them.
	marker := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "file %d %s", at.ID, at.Key))
	all = append(all,
		try{"1,000 entries by marker in the middle", list(tree.Page{Limit: 1000, After: &tree.Mark{Kind: tree.File, Key: at.Key, ID: at.ID}}),
			get(items + "&usemarker=true&marker=" + marker)},
		try{"1,000 entries, fields of the standard form", nil,
			get(items + "&fields=name,size,modified_at,created_at,path_collection,parent,created_by,modified_by,owned_by,item_status,sha1,etag")},
		try{"GET of the root",
			took(func(int) error {
				if _, err := h.tree.Folder(h.ctx, h.who, 0); err != nil {
					return err
				}
				_, err := h.tree.List(h.ctx, h.who, 0, tree.Page{Limit: 100})
				return err
			}),
			get("/2.0/folders/0")},
		try{"lookup by name (preflight of a new file)",
			took(func(i int) error {
				return h.upload.Preflight(h.ctx, h.who, tree.Target{Folder: big, Name: fmt.Sprint("new ", i), Size: 5})
			}),
			took(func(i int) error {
				_, err := h.do("OPTIONS", "/2.0/files/content", fmt.Sprintf(`{"name":"new %d","parent":{"id":"%v"},"size":5}`, i, big), 200)
				return err
			})},
		try{"lookup by name (preflight, taken)",
			took(func(int) error {
				err := h.upload.Preflight(h.ctx, h.who, tree.Target{Folder: big, Name: middle, Size: 5})
				if content.Is(err, content.NameTaken) {
					return nil
				}
				return errors.Join(errors.New("it is not taken"), err)
			}),
			took(func(int) error {
				_, err := h.do("OPTIONS", "/2.0/files/content", fmt.Sprintf(`{"name":%q,"parent":{"id":"%v"},"size":5}`, middle, big), 409)
				return err
			})},
		try{"commit of a small file into the big folder", h.commit(big), h.commitHTTP(big)},
	)
	add := func(name string, service, http func(int) (time.Duration, error)) {
		all = append(all, try{name, service, http})
	}
	service, http := h.move(at.ID, tree.File, big, places[hallFolder])
	add("move of a file into the big folder and out", service, http)
	service, http = h.move(places[moveFolder], tree.Folder, h.who.Root, places[hallFolder])
	add("move of a folder of "+count(s.tree), service, http)
	service, http = h.search(strings.TrimSuffix(strings.TrimPrefix(middle, "document "), ".txt"))
	add("search for a name", service, http)
	service, http = h.search("document")
	add("search for a word that nearly all have", service, http)
	return all, nil
}

// move moves an item there and back.
func (h *house) move(id content.ID, kind tree.Kind, places ...content.ID) (service, http func(int) (time.Duration, error)) {
	n := 0
	next := func() content.ID { n++; return places[n%2] }
	path := map[tree.Kind]string{tree.File: "/2.0/files/", tree.Folder: "/2.0/folders/"}[kind] + id.String()
	service = took(func(int) error {
		to := next()
		_, err := h.tree.Update(h.ctx, h.who, kind, id, tree.Change{Parent: &to}, content.Preconditions{})
		return err
	})
	return service, took(func(int) error {
		to := next()
		if to == h.who.Root {
			to = 0
		}
		_, err := h.do("PUT", path+"?fields=name", fmt.Sprintf(`{"parent":{"id":"%v"}}`, to), 200)
		return err
	})
}

// search looks for words, and finds so many items at the most.
func (h *house) search(words string) (service, http func(int) (time.Duration, error)) {
	service = took(func(int) error {
		q, err := content.ParseQuery(words)
		if err != nil {
			return err
		}
		found, err := h.tree.Search(h.ctx, h.who, tree.Search{Query: q, Limit: 200})
		if err == nil && len(found.Items) == 0 {
			err = errors.New("nothing found")
		}
		return err
	})
	return service, took(func(int) error {
		_, err := h.do("GET", "/2.0/search?limit=200&query="+url.QueryEscape(words), "", 200)
		return err
	})
}

const small = "a small file"

// commit measures a commit only, not the upload before it.
func (h *house) commit(in content.ID) func(int) (time.Duration, error) {
	return func(int) (time.Duration, error) {
		folder, name := in.String(), fmt.Sprint("committed ", h.newID())
		ses, err := h.upload.Create(h.ctx, h.who, upload.Request{Size: int64(len(small)), Folder: &folder, Name: &name})
		if err != nil {
			return 0, err
		}
		sum := sha1.Sum([]byte(small))
		span := ses.Grid.Slot(0)
		part, err := h.upload.PutPart(h.ctx, h.who, ses.ID, upload.Sent{Span: span, Total: span.End, SHA1: sum, Length: span.End}, bytes.NewReader([]byte(small)))
		if err != nil {
			return 0, err
		}
		begun := time.Now()
		_, err = h.upload.Commit(h.ctx, h.who, ses.ID, upload.Commit{SHA1: sum,
			Parts: []upload.Listed{{ID: part.ID, Offset: 0, Size: part.Span.Len(), Quote: part.SHA1.String}}})
		return time.Since(begun), err
	}
}

func (h *house) commitHTTP(in content.ID) func(int) (time.Duration, error) {
	return func(int) (time.Duration, error) {
		sum := sha1.Sum([]byte(small))
		digest := "sha=" + base64.StdEncoding.EncodeToString(sum[:])
		b, err := h.do("POST", "/2.0/files/upload_sessions", fmt.Sprintf(`{"folder_id":"%v","file_name":"committed %v","file_size":%d}`, in, h.newID(), len(small)), 201)
		if err != nil {
			return 0, err
		}
		var ses struct{ ID string }
		if err := json.Unmarshal(b, &ses); err != nil {
			return 0, err
		}
		path := "/2.0/files/upload_sessions/" + ses.ID
		b, err = h.do("PUT", path, small, 200, "Digest", digest, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(small)-1, len(small)))
		if err != nil {
			return 0, err
		}
		var put struct{ Part json.RawMessage }
		if err := json.Unmarshal(b, &put); err != nil {
			return 0, err
		}
		begun := time.Now()
		_, err = h.do("POST", path+"/commit", fmt.Sprintf(`{"parts":[%s]}`, put.Part), 201, "Digest", digest)
		return time.Since(begun), err
	}
}

// longWait is what no writer may wait.
const longWait = 100 * time.Millisecond

// beside measures how long another writer waits while a tree is copied and deleted.
func (h *house) beside(s size, places map[string]content.ID, only *regexp.Regexp) (all []result, err error) {
	var c *content.Folder
	name := fmt.Sprint("copy ", h.newID())
	for _, job := range []struct {
		name string
		do   func() error
	}{
		{"a writer's wait, beside nothing", func() error { time.Sleep(5 * time.Second); return nil }},
		{"a writer's wait, beside a copy of " + count(s.tree), func() (err error) {
			c, err = h.tree.CopyFolder(h.ctx, h.who, places[moveFolder], places[hallFolder], &name)
			return err
		}},
		{"a writer's wait, beside a delete of " + count(s.tree), func() error {
			if err := h.tree.TrashFolder(h.ctx, h.who, c.ID, true, content.Preconditions{}); err != nil {
				return err
			}
			begun := time.Now()
			if err := h.tree.Purge(h.ctx, h.who, tree.Folder, c.ID); err != nil {
				return err
			}
			log.Printf("DELETE is answered after %s ms", ms(time.Since(begun)))
			<-h.left
			_, err := h.sweep.Limbo(h.ctx)
			return err
		}},
	} {
		if !only.MatchString(job.name) {
			continue
		}
		stop, waits := make(chan struct{}), make(chan []time.Duration)
		go func() { waits <- h.write(places[hallFolder], stop) }()
		begun := time.Now()
		err := job.do()
		total := time.Since(begun)
		close(stop)
		ds := <-waits
		if err != nil {
			return nil, fmt.Errorf("%s: %w", job.name, err)
		}
		slices.Sort(ds)
		over, _ := slices.BinarySearch(ds, longWait)
		note := fmt.Sprintf("%s; p99 %s, %d of %d over %s, %.1f s in all", cell(ds), ms(ds[len(ds)*99/100]), len(ds)-over, len(ds), ms(longWait), total.Seconds())
		log.Printf("%s: %s", job.name, note)
		all = append(all, result{name: job.name, note: note})
	}
	return all, nil
}

// write makes small changes until stop, and says how long each took.
func (h *house) write(in content.ID, stop chan struct{}) (ds []time.Duration) {
	for {
		select {
		case <-stop:
			return ds
		default:
		}
		begun := time.Now()
		if _, err := h.tree.CreateFolder(h.ctx, h.who, in, fmt.Sprint("write ", h.newID()), tree.FolderChange{}); err != nil {
			log.Print(err)
			return ds
		}
		ds = append(ds, time.Since(begun))
	}
}
