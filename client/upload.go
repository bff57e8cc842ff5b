package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"boxcar/boxapi"
)

// MinChunkedSize is the smallest file, in bytes, that Box takes in an upload
// session.
const MinChunkedSize = 20_000_000

// ConflictPolicy says what to do when the name is in use.
type ConflictPolicy uint8

const (
	FailOnConflict ConflictPolicy = iota // with ErrNameInUse
	NewVersion                           // of the file that has the name
	KeepBoth                             // under another name, such as "survey (1).laz"
)

// ChangePolicy says what to do when what was sent before is not what the source
// has now.
type ChangePolicy uint8

const (
	RefuseChanged  ChangePolicy = iota // with ErrSourceChanged
	RestartChanged                     // send all of it again, in a new session
)

// Spool bounds the temporary files that streams are written to.
type Spool struct {
	Dir string // default: that of the system

	// Max is the most that a stream of unknown size may have, in bytes.
	// Default 10 GiB.
	Max int64
}

// Upload is what to upload, and where to. Source must be set, and a Name or a
// FileID; the zero value of everything else is a sensible default.
type Upload struct {
	Source *Source

	// A new file of that name in that folder, by default the root, or a new
	// version of the file FileID, which takes Name if that is set.
	FolderID string
	Name     string
	FileID   string

	// NameFree says that the caller has just seen, in a list of the folder, that
	// nobody has the name: a small file is sent without asking once more. If
	// somebody has it after all, OnConflict decides.
	NameFree bool

	OnConflict ConflictPolicy
	IfMatch    string // etag that the file FileID must have, or ""

	Description       string
	ContentCreatedAt  time.Time // default: the server's time of the upload
	ContentModifiedAt time.Time // likewise

	// SkipUnchanged makes no new version of a file whose bytes are those of the
	// source. If the sizes are equal the source is read once more for it.
	SkipUnchanged bool

	// Plan offers the server digests of the parts before they are sent, so that
	// those it has, from the file's last version, need not be sent. It costs a
	// SHA-512 of everything. Servers that know no plan, and streams, are sent
	// whole.
	Plan bool

	// How many parts are sent at once: between these, as the throughput tells.
	// Defaults 1 and 8.
	MinParallel, MaxParallel int

	// SimpleBelow is the size, in bytes, below which a file goes without a
	// session. Default MinChunkedSize; less makes sense with a boxcar that was
	// told so. What the server says counts more.
	SimpleBelow int64

	// State makes the upload one that can be gone on with: the same Upload with
	// the same state does so. StateKey is its key there; by default it is made
	// of server, target and source.
	State    StateStore
	StateKey string

	// SessionID goes on with that session, without a state. All of the source
	// is read, and what the session has is compared with it.
	SessionID string

	// Rehash reads all of the source also where a state, and a file's size and
	// time of change, say that it is what it was. Without it some parts are
	// tried.
	Rehash   bool
	OnChange ChangePolicy

	// AbortOnFailure drops what has arrived when the upload fails, rather than
	// leave a session to go on with.
	AbortOnFailure bool

	Spool    Spool
	Progress Progress
}

// Result is what became of an upload.
type Result struct {
	File      *boxapi.File
	SHA1      [20]byte
	Unchanged bool   // the file was there already, by SkipUnchanged
	SessionID string // "" without a session
	Reused    int64  // bytes that the server had before, by a state or a plan
}

// UploadError is an upload that failed with a session at the server.
type UploadError struct {
	SessionID string
	Parts     int // of the file; 0: not known
	PartsDone int // that have arrived
	// Resumable says that the session can be gone on with.
	Resumable bool
	Err       error
}

func (e *UploadError) Error() string {
	if e.Parts == 0 {
		return fmt.Sprintf("upload session %s: %v", e.SessionID, e.Err)
	}
	return fmt.Sprintf("upload session %s, %d of %d parts sent: %v", e.SessionID, e.PartsDone, e.Parts, e.Err)
}

func (e *UploadError) Unwrap() error { return e.Err }

// job is one Upload under way.
type job struct {
	c   *Client
	u   Upload
	src *Source
	to  target

	sum    [20]byte // of the source, if summed
	summed bool

	// Where the state is, and what was last saved of it.
	state   *State
	savedAt time.Time

	adopted  bool // the session was there when it was to be created
	restarts int
	names    int // that KeepBoth has tried
	reused   int64
	atEnd    []func() // removes temporary files
}

// target is where an upload goes, once conflicts are decided.
type target struct {
	folderID string
	name     string
	fileID   string // a version of this one; "" for a new file
	before   string // the version it had
	etag     string // it had
}

// Upload uploads a source. Whatever its error, there is never more than one new
// version; errors.As finds an *UploadError where a session was left behind, and an
// *Error where the server refused. A source that is a stream is used up.
func (c *Client) Upload(ctx context.Context, u Upload) (*Result, error) {
	u, err := u.withDefaults()
	if err != nil {
		return nil, err
	}
	j := &job{c: c, u: u, src: u.Source, to: target{folderID: u.FolderID, name: u.Name, fileID: u.FileID}}
	defer func() {
		for _, done := range j.atEnd {
			done()
		}
	}()
	if j.src.stream != nil {
		if j.src.used {
			return nil, ErrStreamUsed
		}
		j.src.used = true
		defer u.Source.stop()
		// A large stream of known size goes part by part; it is spooled like
		// the others if the server then wants it without a session.
		if j.src.size < 0 || !j.chunkedFirst() {
			if err := j.spool(ctx); err != nil {
				return nil, err
			}
		}
	}
	if u.SessionID == "" && u.State != nil {
		if err := j.loadState(ctx); err != nil {
			return nil, err
		}
	}
	res, err := j.run(ctx)
	if err != nil {
		return nil, err
	}
	j.u.Progress.tell(Event{Kind: Done, Total: j.src.size, SessionID: res.SessionID})
	return res, nil
}

func (u Upload) withDefaults() (Upload, error) {
	switch {
	case u.Source == nil:
		return u, errors.New("an upload needs a source")
	case u.Name == "" && u.FileID == "" && u.SessionID == "":
		return u, errors.New("an upload needs a name, or the file it is a version of")
	case u.FileID != "" && u.FolderID != "":
		return u, errors.New("an upload goes into a folder, or is a version of a file, not both")
	case u.IfMatch != "" && u.FileID == "":
		return u, errors.New("IfMatch is about the file of a new version, and there is none")
	case u.MinParallel < 0 || u.MaxParallel < 0 || u.MaxParallel > 0 && u.MinParallel > u.MaxParallel:
		return u, fmt.Errorf("%d to %d parts at once is no range", u.MinParallel, u.MaxParallel)
	}
	if u.FolderID == "" && u.FileID == "" {
		u.FolderID = boxapi.RootID
	}
	if u.MinParallel == 0 {
		u.MinParallel = 1
	}
	if u.MaxParallel == 0 {
		u.MaxParallel = max(8, u.MinParallel)
	}
	if u.SimpleBelow == 0 {
		u.SimpleBelow = MinChunkedSize
	}
	if u.Spool.Max == 0 {
		u.Spool.Max = 10 << 30
	}
	return u, nil
}

// attributes are what the upload says about the file.
func (j *job) attributes() boxapi.Attributes {
	a := boxapi.Attributes{
		ContentCreatedAt:  boxapi.Time{Time: j.u.ContentCreatedAt},
		ContentModifiedAt: boxapi.Time{Time: j.u.ContentModifiedAt},
	}
	if j.u.Description != "" {
		a.Description = &j.u.Description
	}
	return a
}

// chunkedFirst says whether a session is tried first.
func (j *job) chunkedFirst() bool {
	return j.src.size >= max(j.u.SimpleBelow, 1) && j.src.size > j.c.tooSmall.Load()
}

func (j *job) run(ctx context.Context) (*Result, error) {
	if j.u.SessionID != "" || j.state != nil {
		return j.chunked(ctx)
	}
	if j.u.SkipUnchanged {
		file, err := j.sameFile(ctx)
		if err != nil {
			return nil, err
		}
		if file != nil {
			return &Result{File: file, SHA1: j.sum, Unchanged: true}, nil
		}
	}
	if !j.chunkedFirst() {
		res, err := j.simple(ctx)
		if j.src.size == 0 || !hasStatus(err, http.StatusRequestEntityTooLarge) {
			return res, err
		}
		return j.chunked(ctx)
	}
	res, err := j.chunked(ctx)
	if HasCode(err, boxapi.CodeFileSizeTooSmall) {
		j.c.tooSmall.Store(max(j.c.tooSmall.Load(), j.src.size))
		if j.src.at == nil {
			if err := j.spool(ctx); err != nil {
				return nil, err
			}
		}
		return j.simple(ctx)
	}
	return res, err
}

// sameFile is the file that is where the upload goes, if it has the source's bytes,
// or nil.
func (j *job) sameFile(ctx context.Context) (*boxapi.File, error) {
	file, err := j.occupying(ctx)
	if err != nil || file == nil || file.Size != j.src.size || j.src.at == nil {
		return nil, err
	}
	if err := j.digest(ctx); err != nil || !j.isSource(file.SHA1) {
		return nil, err
	}
	return file, nil
}

// occupying is the file that is where the upload goes, or nil.
func (j *job) occupying(ctx context.Context) (*boxapi.File, error) {
	id := j.to.fileID
	if id == "" {
		err := j.preflight(ctx, 0)
		var taken *Error
		if !errors.As(err, &taken) || !errors.Is(err, ErrNameInUse) {
			return nil, err
		}
		item, err := j.occupant(ctx, taken)
		file, ok := item.(*boxapi.File)
		if err != nil || !ok {
			return nil, err
		}
		id = string(file.ID)
	}
	return j.c.GetFile(ctx, id)
}

// digest makes sum known.
func (j *job) digest(ctx context.Context) (err error) {
	if j.summed {
		return nil
	}
	j.sum, err = j.src.digest(ctx, j.hashing)
	j.summed = err == nil
	return err
}

func (j *job) hashing(n int64) {
	j.u.Progress.tell(Event{Kind: Hashing, Bytes: n, Total: j.src.size})
}

// isSource says whether a SHA-1 in hex digits is the source's.
func (j *job) isSource(sum string) bool {
	return j.summed && strings.EqualFold(sum, hexSum(j.sum))
}

// look notes what the file of a new version is before the upload.
func (j *job) look(ctx context.Context) (*boxapi.File, error) {
	file, err := j.c.GetFile(ctx, j.to.fileID)
	if err != nil {
		return nil, err
	}
	j.to.etag = string(file.Etag)
	j.to.before = versionOf(file)
	return file, nil
}

func versionOf(f *boxapi.File) string {
	if f.FileVersion == nil {
		return ""
	}
	return string(f.FileVersion.ID)
}

// landed is the file, if an upload whose answer was lost has been done after all:
// what has the name, or the version that the file has now, has the source's bytes
// and was not there before.
func (j *job) landed(ctx context.Context) (*boxapi.File, error) {
	file, err := j.occupying(ctx)
	if err != nil || file == nil || !j.isSource(file.SHA1) || j.to.fileID != "" && versionOf(file) == j.to.before {
		return nil, err
	}
	return file, nil
}

func (j *job) preflight(ctx context.Context, size int64) error {
	return j.c.Preflight(ctx, j.to.folderID, j.to.name, size)
}

// Preflight asks whether a new file of that name and of size bytes would be taken;
// 0 is a size that is not known. A name that is in use is ErrNameInUse, and the
// error's Conflict is the item that has it. Nothing is reserved.
func (c *Client) Preflight(ctx context.Context, folderID, name string, size int64) error {
	n := boxapi.Name(name)
	body := boxapi.Preflight{Name: &n, Parent: &boxapi.Ref{ID: boxapi.ID(folderID)}, Size: boxapi.CountOf(size)}
	return c.do(ctx, &request{method: http.MethodOptions, path: "/files/content", json: body})
}
