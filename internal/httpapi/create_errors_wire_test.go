package httpapi_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"boxcar/internal/daemon"
)

func TestCreateErrors(t *testing.T) {
	t.Parallel()
	const maxFile, quota, atLeast = 1 << 20, 1 << 19, 100
	w := start(t, func(c *daemon.Config) {
		n := int64(atLeast)
		c.MinChunkedSize, c.MaxFileSize, c.Quota = &n, maxFile, new(int64(quota))
	})
	bob := w.user(t, "bob@example.net", 0)
	bobsFolder := bob.folder(t, "0", "bob's")
	bobsFile := bob.upload(t, "bob's file", noise(200))
	taken := w.upload(t, "taken.bin", noise(200))
	folder := w.folder(t, "0", "Taken Folder")
	inTrash := w.upload(t, "trashed.bin", noise(200))
	w.do(t, "DELETE", "/2.0/files/"+inTrash.ID, nil).empty(204)

	const size = 200
	ok := fields{"folder_id": "0", "file_name": "free.bin", "file_size": size}
	with := func(more fields) fields {
		body := maps.Clone(ok)
		for k, v := range more {
			if body[k] = v; v == "absent" {
				delete(body, k)
			}
		}
		return body
	}

	t.Run("3.5 #1 body not JSON: 400 invalid_json", func(t *testing.T) {
		w.open(t, "", "{").refused(400, "invalid_json")
		w.open(t, taken.ID, "file_size=200").refused(400, "invalid_json")
	})
	for _, v := range []any{"absent", nil} {
		t.Run(fmt.Sprintf("3.5 #2 file_size absent: 400 missing_file_size: %v", v), func(t *testing.T) {
			w.open(t, "", with(fields{"file_size": v})).refused(400, "missing_file_size")
			w.open(t, taken.ID, with(fields{"file_size": v})).refused(400, "missing_file_size")
		})
	}
	for _, v := range []any{-1, 200.5, "", "x", "-1", "+200", "0x64", " 200", true, []int{200}, fields{}, "9223372036854775808"} {
		t.Run(fmt.Sprintf("3.5 #2 file_size not a non-negative integer: 400 invalid_file_size: %#v", v), func(t *testing.T) {
			w.open(t, "", with(fields{"file_size": v})).refused(400, "invalid_file_size")
			w.open(t, taken.ID, with(fields{"file_size": v})).refused(400, "invalid_file_size")
		})
	}
	t.Run("3.5 #2 file_size as a fraction or with an exponent: 400 invalid_file_size", func(t *testing.T) {
		for _, text := range []string{"2e2", "200.0", "9223372036854775808"} {
			w.open(t, "", `{"folder_id":"0","file_name":"x","file_size":`+text+`}`).refused(400, "invalid_file_size")
		}
	})
	t.Run("3.5 #3 file_size below the minimum: 400 file_size_too_small", func(t *testing.T) {
		for _, id := range []string{"", taken.ID} {
			f := w.open(t, id, with(fields{"file_size": atLeast - 1})).refused(400, "file_size_too_small")
			if !strings.Contains(f.Message, "99") || !strings.Contains(f.Message, "100") {
				t.Errorf("message is %q, want both sizes", f.Message)
			}
			w.open(t, id, with(fields{"file_size": atLeast, "file_name": "just enough"})).want(201)
		}
	})
	t.Run("3.5 #4 new file, no name: 400 missing_file_name", func(t *testing.T) {
		w.open(t, "", with(fields{"file_name": "absent"})).refused(400, "missing_file_name")
		w.open(t, "", with(fields{"file_name": nil})).refused(400, "missing_file_name")
	})
	t.Run("3.5 #4 new file, no folder: 400 missing_destination", func(t *testing.T) {
		w.open(t, "", with(fields{"folder_id": "absent"})).refused(400, "missing_destination")
		w.open(t, "", with(fields{"folder_id": nil})).refused(400, "missing_destination")
	})
	for _, v := range []any{"x", "-1", "+1", "1.0", " 0", "0x0", "d_1", 1.5} {
		t.Run(fmt.Sprintf("3.5 #4 folder id not numeric: 400 invalid_folder_id: %#v", v), func(t *testing.T) {
			w.open(t, "", with(fields{"folder_id": v})).refused(400, "invalid_folder_id")
		})
	}
	t.Run("10.5 a field that is not of its type: 400 bad_request, naming it", func(t *testing.T) {
		for field, v := range map[string]any{"folder_id": true, "file_name": 7} {
			if f := w.open(t, "", with(fields{field: v})).refused(400, "bad_request"); !strings.Contains(f.Message, field) {
				t.Errorf("the message %q does not name %s", f.Message, field)
			}
		}
	})
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "a\x00b", "a\x1fb", "a\nb", "a\x7fb", "trailing "} {
		t.Run(fmt.Sprintf("3.5 #5 bad name: 400 item_name_invalid: %q", name), func(t *testing.T) {
			w.open(t, "", with(fields{"file_name": name})).refused(400, "item_name_invalid")
			w.open(t, taken.ID, with(fields{"file_name": name})).refused(400, "item_name_invalid")
		})
	}
	t.Run("3.5 #5 bad name: invalid UTF-8", func(t *testing.T) {
		for _, name := range []string{"\"caf\xe9\"", `"a\ud800"`} {
			w.open(t, "", `{"folder_id":"0","file_size":200,"file_name":`+name+`}`).refused(400, "item_name_invalid")
		}
	})
	t.Run("3.5 #5 bad name: 400 item_name_too_long", func(t *testing.T) {
		w.open(t, "", with(fields{"file_name": strings.Repeat("x", 256)})).refused(400, "item_name_too_long")
	})
	for what, id := range map[string]string{
		"unknown": "990017", "of another user": bobsFolder, "a file": taken.ID,
	} {
		t.Run("3.5 #6 folder unknown or invisible: 404 invalid_parameter with context_info.errors: "+what, func(t *testing.T) {
			for _, fileID := range []string{"", taken.ID} {
				f := w.open(t, fileID, with(fields{"folder_id": id})).refused(404, "invalid_parameter")
				message := fmt.Sprintf("Invalid value 'd_%s'. 'item' with value 'd_%s' not found", id, id)
				if e := f.ContextInfo.Errors; len(e) != 1 || e[0].Reason != "invalid_parameter" || e[0].Name != "item" || e[0].Message != message {
					t.Errorf("context_info.errors are %+v, want %q", e, message)
				}
			}
		})
	}
	for what, id := range map[string]string{
		"unknown": "990017", "of another user": bobsFile.ID, "a folder": folder, "not an id": "x", "zero": "0", "too long": "99999999999999999999999",
	} {
		t.Run("3.5 #7 target file unknown: 404 not_found: "+what, func(t *testing.T) {
			w.open(t, id, fields{"file_size": size}).refused(404, "not_found")
		})
	}
	t.Run("3.5 #7 target file in trash: 404 trashed", func(t *testing.T) {
		w.open(t, inTrash.ID, fields{"file_size": size}).refused(404, "trashed")
	})
	t.Run("3.5 #9 over the size cap: 403 file_size_limit_exceeded", func(t *testing.T) {
		w.open(t, "", with(fields{"file_size": maxFile + 1})).refused(403, "file_size_limit_exceeded")
		w.open(t, taken.ID, fields{"file_size": maxFile + 1}).refused(403, "file_size_limit_exceeded")
	})
	t.Run("3.5 #10 over quota: 403 storage_limit_exceeded", func(t *testing.T) {
		w.open(t, "", with(fields{"file_size": quota + 1})).refused(403, "storage_limit_exceeded")
		w.open(t, taken.ID, fields{"file_size": quota + 1}).refused(403, "storage_limit_exceeded")
	})
	for _, name := range []string{"taken.bin", "TAKEN.BIN"} {
		t.Run("3.5 #11 name taken: 409 item_name_in_use, 10.3 conflicts is one object: "+name, func(t *testing.T) {
			own := w.upload(t, "own.bin", noise(200))
			defer w.do(t, "DELETE", "/2.0/files/"+own.ID, nil)
			for _, fileID := range []string{"", own.ID} {
				f := w.open(t, fileID, with(fields{"file_name": name})).refused(409, "item_name_in_use")
				want := map[string]any{
					"type": "file", "id": taken.ID, "sequence_id": "0", "etag": "0", "name": "taken.bin", "sha1": taken.SHA1,
					"file_version": map[string]any{"type": "file_version", "id": taken.FileVersion.ID, "sha1": taken.SHA1},
				}
				if got := f.ContextInfo.Conflicts; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("conflicts are %v, want %v", got, want)
				}
			}
		})
	}
	t.Run("3.5 #11, 10.3 name taken by a folder: its mini object, without sha1 and file_version", func(t *testing.T) {
		f := w.open(t, "", with(fields{"file_name": "taken folder"})).refused(409, "item_name_in_use")
		want := map[string]any{"type": "folder", "id": folder, "sequence_id": "0", "etag": "0", "name": "Taken Folder"}
		if got := f.ContextInfo.Conflicts; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("conflicts are %v, want %v", got, want)
		}
	})
	t.Run("3.5 a name in the trash is free", func(t *testing.T) {
		w.open(t, "", with(fields{"file_name": "trashed.bin"})).want(201)
	})

	// Each row with what is wrong by a later one too: the earlier row answers.
	const tooBig = maxFile + 1
	for _, c := range []struct {
		first, then string
		file        string
		body        any
		status      int
		code        string
	}{
		{"1", "2, 4", "", `{"file_size":-1`, 400, "invalid_json"},
		{"1", "7", "990017", `[]`, 400, "invalid_json"},
		{"2", "4", "", fields{}, 400, "missing_file_size"},
		{"2", "4", "", fields{"file_size": "x"}, 400, "invalid_file_size"},
		{"2", "4 (folder)", "", fields{"file_name": "n", "folder_id": "x"}, 400, "missing_file_size"},
		{"2", "5", "", fields{"folder_id": "0", "file_name": ""}, 400, "missing_file_size"},
		{"2", "7", "990017", fields{}, 400, "missing_file_size"},
		{"3", "4", "", fields{"file_size": 1}, 400, "file_size_too_small"},
		{"3", "5", "", with(fields{"file_size": 1, "file_name": "a/b"}), 400, "file_size_too_small"},
		{"3", "6", "", with(fields{"file_size": 1, "folder_id": "990017"}), 400, "file_size_too_small"},
		{"3", "7", "990017", fields{"file_size": 1}, 400, "file_size_too_small"},
		{"3", "11", "", with(fields{"file_size": 1, "file_name": "taken.bin"}), 400, "file_size_too_small"},
		{"4 (name)", "4 (folder)", "", fields{"file_size": size}, 400, "missing_file_name"},
		{"4 (name)", "4 (folder id)", "", fields{"file_size": size, "folder_id": "x"}, 400, "missing_file_name"},
		{"4 (folder)", "5", "", fields{"file_size": size, "file_name": "a/b"}, 400, "missing_destination"},
		{"4 (folder id)", "5", "", fields{"file_size": size, "file_name": "a/b", "folder_id": "x"}, 400, "invalid_folder_id"},
		{"5", "6", "", with(fields{"file_name": "a/b", "folder_id": "990017"}), 400, "item_name_invalid"},
		{"5", "7", "990017", fields{"file_size": size, "file_name": "a/b"}, 400, "item_name_invalid"},
		{"5", "9", "", with(fields{"file_name": ".", "file_size": tooBig}), 400, "item_name_invalid"},
		{"6", "7", "990017", fields{"file_size": size, "folder_id": "990018"}, 404, "invalid_parameter"},
		{"6", "7 (trash)", inTrash.ID, fields{"file_size": size, "folder_id": "990018"}, 404, "invalid_parameter"},
		{"6", "9", "", with(fields{"folder_id": "990017", "file_size": tooBig}), 404, "invalid_parameter"},
		{"7", "9", "990017", fields{"file_size": tooBig}, 404, "not_found"},
		{"7 (trash)", "9", inTrash.ID, fields{"file_size": tooBig}, 404, "trashed"},
		{"7 (trash)", "11", inTrash.ID, fields{"file_size": size, "file_name": "taken.bin"}, 404, "trashed"},
		{"9", "10", "", with(fields{"file_size": tooBig}), 403, "file_size_limit_exceeded"},
		{"9", "11", "", with(fields{"file_size": tooBig, "file_name": "taken.bin"}), 403, "file_size_limit_exceeded"},
		{"10", "11", "", with(fields{"file_size": quota + 1, "file_name": "taken.bin"}), 403, "storage_limit_exceeded"},
	} {
		t.Run(fmt.Sprintf("3.5 order: #%s before #%s", c.first, c.then), func(t *testing.T) {
			w.open(t, c.file, c.body).refused(c.status, c.code)
		})
	}
}

func TestARefusedCreateReservesNothing(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *daemon.Config) { c.Quota = new(int64(1000)) })
	w.upload(t, "taken", noise(200))
	ask := fields{"folder_id": "0", "file_name": "taken", "file_size": 800}
	w.open(t, "", ask).refused(409, "item_name_in_use")
	ask["file_name"], ask["file_size"] = "free", 801
	w.open(t, "", ask).refused(403, "storage_limit_exceeded")
	ask["file_size"] = 800
	w.open(t, "", ask).want(201)
	ask["file_size"] = 1
	w.open(t, "", ask).refused(403, "storage_limit_exceeded")
}
