package client

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// State is what has to be known to go on with an upload. It holds no token.
type State struct {
	Version int    `json:"version"` // stateVersion
	Server  string `json:"server"`  // BaseURLs.API
	Session string `json:"session"`

	// Expires is when the session ends, as the server says; zero if it does not.
	Expires time.Time `json:"expires,omitzero"`

	// Where it goes, as the caller said, and as it was decided.
	FolderID string `json:"folder_id,omitzero"`
	Name     string `json:"name,omitzero"`
	FileID   string `json:"file_id,omitzero"`
	AsName   string `json:"as_name,omitzero"`
	AsFileID string `json:"as_file_id,omitzero"`

	// Before is the version that the file had, and Committing that a commit was
	// asked for: if the session is gone, the file may be there.
	Before     string `json:"before,omitzero"`
	Committing bool   `json:"committing,omitzero"`

	// The source.
	Path     string    `json:"path,omitzero"`
	Size     int64     `json:"size"` // bytes
	Modified time.Time `json:"modified,omitzero"`

	// What was read of it: the SHA-1s of its first parts, 20 bytes each, and
	// the state of the file's SHA-1 behind them.
	PartSize int64     `json:"part_size"` // bytes
	Digests  []byte    `json:"digests,omitzero"`
	Running  []byte    `json:"running,omitzero"`
	Saved    time.Time `json:"saved"`
}

const stateVersion = 1

// DecodeState reads a state, and checks what can be checked without its source.
func DecodeState(text []byte) (*State, error) {
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("state of an upload: %w", err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("state of an upload: version %d, and only %d is known", s.Version, stateVersion)
	}
	if s.Session == "" || s.Size < 0 || s.PartSize <= 0 || len(s.Digests)%sha1.Size != 0 ||
		int64(s.hashed()) > (s.Size+s.PartSize-1)/s.PartSize {
		return nil, errors.New("state of an upload: it contradicts itself")
	}
	if s.hashed() > 0 {
		if _, err := s.running(); err != nil {
			return nil, fmt.Errorf("state of an upload: running digest: %w", err)
		}
	}
	return &s, nil
}

// Encode writes what DecodeState reads.
func (s *State) Encode() ([]byte, error) {
	s.Version = stateVersion
	text, err := json.Marshal(s)
	return append(text, '\n'), err
}

// hashed is how many parts have digests.
func (s *State) hashed() int { return len(s.Digests) / sha1.Size }

// running is the file's digest behind those parts.
func (s *State) running() (hash.Hash, error) {
	h := sha1.New()
	return h, h.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.Running)
}

// freeze is the other way round.
func freeze(h hash.Hash) ([]byte, error) { return h.(encoding.BinaryMarshaler).MarshalBinary() }

// StateStore keeps states of uploads between runs. A state that is half written
// must never be read.
type StateStore interface {
	// Load returns nil, and no error, if there is no state of that key.
	Load(key string) (*State, error)
	Save(key string, s *State) error
	// Delete of a state that is not there is not an error.
	Delete(key string) error
}

// StateFile keeps the state of one upload, whatever its key, in a file of mode
// 0600, such as one beside the source.
func StateFile(path string) StateStore { return stateFile(path) }

type stateFile string

func (f stateFile) Load(string) (*State, error) {
	text, err := os.ReadFile(string(f))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	s, err := DecodeState(text)
	if err != nil {
		err = fmt.Errorf("%s: %w", string(f), err)
	}
	return s, err
}

func (f stateFile) Save(_ string, s *State) error {
	text, err := s.Encode()
	if err != nil {
		return err
	}
	return writeFile(string(f), text)
}

func (f stateFile) Delete(string) error {
	err := os.Remove(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// StateDir keeps the state of each upload in a file of its own, named after a hash
// of its key. The folder is made when something is saved.
type StateDir string

func (d StateDir) file(key string) stateFile {
	sum := sha256.Sum256([]byte(key))
	return stateFile(filepath.Join(string(d), hex.EncodeToString(sum[:16])+stateEnding))
}

const stateEnding = ".upload.json"

// Load is as in StateStore.
func (d StateDir) Load(key string) (*State, error) { return d.file(key).Load(key) }

// Save is as in StateStore.
func (d StateDir) Save(key string, s *State) error { return d.file(key).Save(key, s) }

// Delete is as in StateStore.
func (d StateDir) Delete(key string) error { return d.file(key).Delete(key) }

// All are the states in the folder. Files that can't be read are left out.
func (d StateDir) All() ([]*State, error) {
	var all []*State
	err := d.each(func(_ stateFile, s *State) error {
		all = append(all, s)
		return nil
	})
	return all, err
}

// DeleteSession deletes the states that go on with a session, such as one that was
// aborted.
func (d StateDir) DeleteSession(id string) error {
	return d.each(func(f stateFile, s *State) error {
		if s.Session != id {
			return nil
		}
		return f.Delete("")
	})
}

// Prune deletes what is of no more use a day after it ended: states of sessions that
// have expired, of which nothing can be gone on with, and files that a process left
// half written. States whose session's end is not known stay, as do files that
// can't be read. A file that was uploaded although its state is still there is
// found again by Upload.SkipUnchanged.
func (d StateDir) Prune(now time.Time) error {
	const late = 24 * time.Hour // for clocks that differ
	err := d.each(func(f stateFile, s *State) error {
		if s.Expires.IsZero() || now.Before(s.Expires.Add(late)) {
			return nil
		}
		return f.Delete("")
	})
	entries, _ := os.ReadDir(string(d)) // each has told
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") || !strings.Contains(e.Name(), stateEnding+".") {
			continue
		}
		if info, infoErr := e.Info(); infoErr == nil && now.After(info.ModTime().Add(late)) {
			err = errors.Join(err, remove(filepath.Join(string(d), e.Name())))
		}
	}
	return err
}

func (d StateDir) each(do func(stateFile, *State) error) error {
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), stateEnding) {
			continue
		}
		f := stateFile(filepath.Join(string(d), e.Name()))
		if s, loadErr := f.Load(""); loadErr == nil && s != nil {
			err = errors.Join(err, do(f, s))
		}
	}
	return err
}
