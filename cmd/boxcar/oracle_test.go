package main_test

import (
	"fmt"
	"maps"
	"net/url"
)

// settle finds out what became of the request that had no answer, or that was
// refused: all of it, or nothing. If that can't be found out now, the doubt stays.
func (w *worker) settle() error {
	d := w.doubt
	if err := w.clear(d); err != nil {
		return err
	}
	w.doubt = doubt{}
	if d.what != "" {
		w.unanswered[d.what]++
	}
	return nil
}

func (w *worker) clear(d doubt) error {
	switch d.what {
	case "commit":
		return w.settleCommit(d.up)
	case "abort":
		if err := w.any("DELETE", "/2.0/files/upload_sessions/"+d.up.id, 204, 404); err != nil {
			return err
		}
		w.aborted(d.up)
		return w.any("GET", "/2.0/files/upload_sessions/"+d.up.id, 404)
	case "simple":
		return w.settleSimple(d.of, d.made)
	case "trash":
		// Done again: a file in the trash is not found.
		if err := w.any("DELETE", "/2.0/files/"+d.of.id, 204, 404); err != nil {
			return err
		}
		w.trashed(d.of)
	case "purge":
		if err := w.any("DELETE", "/2.0/files/"+d.of.id+"/trash", 204, 404); err != nil {
			return err
		}
		w.purged(d.of)
		return w.any("GET", "/2.0/files/"+d.of.id+"/trash", 404)
	}
	return nil
}

// any makes a request that may be answered with any of some statuses.
func (w *worker) any(method, path string, want ...int) error {
	_, err := w.callAny(want, method, path, nil)
	return err
}

// settleCommit repeats a commit. Whether the first one was done or not, there
// is exactly one version after the second.
func (w *worker) settleCommit(u *upload) error {
	before, err := w.find(u.of, u.what)
	if err != nil {
		return fmt.Errorf("session %s, whose commit had no answer: %w", u.id, err)
	}
	e, err := w.callCommit(u)
	if err != nil {
		return fmt.Errorf("session %s, commit repeated: %w", u.id, err)
	}
	if before != nil {
		w.unanswered["commit, and done"]++
	}
	if before != nil && (e.ID != before.ID || e.FileVersion.ID != before.FileVersion.ID) {
		return fmt.Errorf("session %s was committed as %+v, and the commit repeated made %+v", u.id, *before, e)
	}
	w.committed(u, e)
	return nil // check counts the versions
}

// settleSimple takes over what a simple upload has left behind.
func (w *worker) settleSimple(f *thing, what stuff) error {
	e, err := w.find(f, what)
	if err != nil {
		return fmt.Errorf("%s, whose upload had no answer: %w", f.name, err)
	}
	if e != nil {
		w.has(f, e.ID, what)
		w.unanswered["simple, and done"]++
	}
	return nil
}

// find looks whether what is f's current version. nil says that it is not;
// anything between that and all of it is an error.
func (w *worker) find(f *thing, what stuff) (*entry, error) {
	list, err := w.list()
	if err != nil {
		return nil, err
	}
	e, ok := list[f.name]
	if !ok {
		if f.id != "" {
			return nil, fmt.Errorf("file %s is gone", f.id)
		}
		return nil, nil
	}
	if e.Size == what.size && e.SHA1 == hexSum(what.bytes()) {
		return &e, nil
	}
	if f.id != "" && e.Size == f.current().size && e.SHA1 == hexSum(f.current().bytes()) {
		return nil, nil
	}
	return nil, fmt.Errorf("there is %+v, which is neither what was there before nor what was sent", e)
}

// list is the worker's folder, by name.
func (w *worker) list() (map[string]entry, error) {
	all := map[string]entry{}
	for marker := ""; ; {
		q := url.Values{"usemarker": {"true"}, "limit": {"1000"}, "fields": {"name,sha1,size,file_version"}, "marker": {marker}}
		r, err := w.call(200, "GET", "/2.0/folders/"+w.folder+"/items?"+q.Encode(), nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Entries    []entry
			NextMarker string `json:"next_marker"`
		}
		if err := r.decode(&page); err != nil {
			return nil, err
		}
		for _, e := range page.Entries {
			if _, twice := all[e.Name]; twice {
				return nil, fmt.Errorf("%q is in the folder twice", e.Name)
			}
			all[e.Name] = e
		}
		if marker = page.NextMarker; marker == "" {
			return all, nil
		}
	}
}

// check compares everything that the worker was promised with what is there:
// sessions and folder in full, of files those that were touched.
func (w *worker) check() error {
	for _, u := range w.open {
		if err := w.checkSession(u); err != nil {
			return err
		}
	}
	list, err := w.list()
	if err != nil {
		return err
	}
	for _, f := range w.things {
		if f.trashed {
			continue
		}
		e, ok := list[f.name]
		delete(list, f.name)
		if want := f.current(); !ok || e.ID != f.id || e.Size != want.size || e.SHA1 != hexSum(want.bytes()) {
			return fmt.Errorf("folder of %s: %s of %d bytes should be file %s, and there is %+v", w.name, f.name, want.size, f.id, e)
		}
	}
	for name := range maps.Keys(list) {
		return fmt.Errorf("folder of %s: nobody has uploaded %q", w.name, name)
	}
	for f := range w.touched {
		if err := w.checkFile(f); err != nil {
			return err
		}
	}
	clear(w.touched)
	return w.read() // and one of the old ones
}

// checkSession: each part that was acknowledged is there, and of the others
// none that has other bytes.
func (w *worker) checkSession(u *upload) error {
	r, err := w.call(200, "GET", "/2.0/files/upload_sessions/"+u.id+"/parts?limit=1000", nil)
	if err != nil {
		return err
	}
	var list struct{ Entries []part }
	if err := r.decode(&list); err != nil {
		return err
	}
	data := u.what.bytes()
	there := map[int64]part{}
	for _, p := range list.Entries {
		there[p.Offset] = p
		end := min(p.Offset+u.partSize, u.what.size)
		if p.Offset%u.partSize != 0 || p.Offset >= end || p.Offset+p.Size != end || p.SHA1 != hexSum(data[p.Offset:end]) {
			return fmt.Errorf("session %s has a part that nobody sent: %+v", u.id, p)
		}
	}
	w.unanswered["part, and done"] += len(there) - len(u.acked)
	for at, p := range u.acked {
		if there[at] != p {
			return fmt.Errorf("session %s: part %+v was acknowledged, and there is %+v", u.id, p, there[at])
		}
	}
	return nil
}

// checkFile: all versions are there, the current one whole.
func (w *worker) checkFile(f *thing) error {
	if f.trashed {
		if err := w.any("GET", "/2.0/files/"+f.id+"/content", 404); err != nil {
			return err
		}
		r, err := w.call(200, "GET", "/2.0/files/"+f.id+"/trash?fields=sha1,size", nil)
		if err != nil {
			return err
		}
		var e entry
		if err := r.decode(&e); err != nil {
			return err
		}
		if want := f.current(); e.Size != want.size || e.SHA1 != hexSum(want.bytes()) {
			return fmt.Errorf("%s in the trash is %+v", f.name, e)
		}
		return nil
	}
	r, err := w.call(200, "GET", "/2.0/files/"+f.id+"/versions?limit=1000", nil)
	if err != nil {
		return err
	}
	var past entries
	if err := r.decode(&past); err != nil {
		return err
	}
	if int(past.Total) != len(f.versions)-1 || len(past.Entries) != len(f.versions)-1 {
		return fmt.Errorf("%s has %d past versions, want %d: %s", f.name, past.Total, len(f.versions)-1, r)
	}
	for i, e := range past.Entries { // the latest first
		if want := f.versions[len(f.versions)-2-i]; e.Size != want.size || e.SHA1 != hexSum(want.bytes()) {
			return fmt.Errorf("%s: past version %d is %+v, want %d bytes with SHA-1 %s", f.name, i, e, want.size, hexSum(want.bytes()))
		}
	}
	return w.compare(f)
}

// used is what the worker's files have to count for, in bytes: all versions,
// and those in the trash.
func (w *worker) used() (n int64) {
	for _, f := range w.things {
		for _, v := range f.versions {
			n += v.size
		}
	}
	return n
}
