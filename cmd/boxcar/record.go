package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"boxcar/boxapi"
	"boxcar/client"
)

// itemRecord is an item as --json tells it. Keys are only ever added.
type itemRecord struct {
	Type     string     `json:"type"` // "file", "folder" or "web_link"
	ID       string     `json:"id"`
	Path     string     `json:"path"`
	Name     string     `json:"name"`
	Size     *int64     `json:"size,omitzero"` // bytes; of a folder, of all below it
	SHA1     string     `json:"sha1,omitzero"`
	Version  string     `json:"version,omitzero"`
	Modified *time.Time `json:"modified,omitzero"`
}

func recordOf(item boxapi.Item, path string) itemRecord {
	r := itemRecord{Type: item.ItemType(), ID: client.IDOf(item), Path: path, Name: client.NameOf(item)}
	if n := sizeOf(item); n >= 0 {
		r.Size = &n
	}
	if f, ok := item.(*boxapi.File); ok {
		r.SHA1 = f.SHA1
		if f.FileVersion != nil {
			r.Version = string(f.FileVersion.ID)
		}
	}
	if t := changedAt(item).UTC(); !t.IsZero() {
		r.Modified = &t
	}
	return r
}

// writeJSON writes one line for a program.
func writeJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// tellItem says what has become of an item: its path, or a record of it.
func (f serverFlags) tellItem(io streams, item boxapi.Item, path string) error {
	if f.JSON {
		return writeJSON(io.Out, recordOf(item, path))
	}
	_, err := fmt.Fprintln(io.Out, printable(path))
	return err
}
