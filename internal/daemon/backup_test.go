package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"boxcar/internal/backup"
	"boxcar/internal/content"
	"boxcar/internal/daemon"
	"boxcar/internal/daemon/daemontest"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlite"
)

func mustBackUp(t *testing.T, c daemon.BackupConfig) *daemon.BackupReport {
	t.Helper()
	r, err := daemon.Backup(t.Context(), c)
	if err != nil {
		t.Fatalf("backup: %v", err)
	}
	return r
}

func mustRestore(t *testing.T, dir, snapshot string) (data string, r *daemon.RestoreReport) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "restored")
	r, err := daemon.Restore(t.Context(), daemon.RestoreConfig{Dir: dir, Snapshot: snapshot, Data: data})
	if err != nil {
		t.Fatalf("restore: %v", err)
	}
	return data, r
}

// again is a server on restored data, with the token of the first one.
func again(t *testing.T, data, token string) *daemontest.Server {
	s := daemontest.Start(t, func(c *daemon.Config) { inParts(c); c.Data = data })
	s.Token = token
	return s
}

// TestSnapshotsShareTheirBytes and each can be restored, open sessions too.
func TestSnapshotsShareTheirBytes(t *testing.T) {
	s := daemontest.Start(t, inParts)
	dir := filepath.Join(t.TempDir(), "backups", "here")
	one, two := random(150_000), random(70_000)
	a := upload(t, s, "", "a.bin", one)
	first := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir, Keep: 2})
	if c := first.Copied; c != (backup.Copied{Blobs: 3, New: 3, Bytes: 150_000}) {
		t.Errorf("the first copied %+v", c)
	}
	b := upload(t, s, "", "b.bin", two)
	do(t, s, "DELETE", "/2.0/files/"+a, nil)
	do(t, s, "DELETE", "/2.0/files/"+a+"/trash", nil)
	_, text := do(t, s, "POST", "/2.0/files/upload_sessions", []byte(`{"folder_id":"0","file_size":65536,"file_name":"c.bin"}`))
	var ses struct{ ID string }
	json.Unmarshal(text, &ses)
	part := random(64 << 10)
	_, text = do(t, s, "PUT", "/2.0/files/upload_sessions/"+ses.ID, part, "Digest", digestOf(part), "Content-Range", "bytes 0-65535/65536")
	var sent struct{ Part json.RawMessage }
	json.Unmarshal(text, &sent)
	second := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir, Keep: 2})
	if c := second.Copied; c != (backup.Copied{Blobs: 3, New: 3, Bytes: 70_000 + 65536}) || second.Pruned != 0 || len(second.Dropped) != 0 {
		t.Errorf("the second copied %+v, and removed %d blobs, %v", c, second.Pruned, second.Dropped)
	}

	old, r := mustRestore(t, dir, first.Snapshot)
	if len(r.Doctor.Broken) > 0 || r.Copied.Blobs != 3 {
		t.Errorf("restored %+v, %v", r.Copied, r.Doctor.Broken)
	}
	holds(t, again(t, old, s.Token), a, one)
	newest, _ := mustRestore(t, dir, "")
	n := again(t, newest, s.Token)
	holds(t, n, b, two)
	if status, _ := do(t, n, "GET", "/2.0/files/"+a, nil); status != 404 {
		t.Errorf("what was deleted before the backup: %d", status)
	}
	// The session goes on where it was.
	list, _ := json.Marshal(map[string]any{"parts": []json.RawMessage{sent.Part}})
	if status, text := do(t, n, "POST", "/2.0/files/upload_sessions/"+ses.ID+"/commit", list, "Digest", digestOf(part)); status != 201 {
		t.Errorf("commit of a restored session: %d %s", status, text)
	}
	if _, err := os.Stat(filepath.Join(newest, "credentials")); err != nil {
		t.Error(err)
	}

	third := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir})
	if c := third.Copied; c.New != 0 || third.Pruned != 3 || len(third.Dropped) != 2 {
		t.Errorf("the third copied %+v, and removed %d blobs, %v", c, third.Pruned, third.Dropped)
	}
	if n := len(blobsOf(t, dir)); n != 3 {
		t.Errorf("the backup has %d blobs, want 3", n)
	}
	all, err := daemon.Snapshots(dir)
	if err != nil || len(all) != 1 || all[0].Name != third.Snapshot {
		t.Errorf("snapshots are %v, %v", all, err)
	}
}

// TestABackupCopiesWhatIsLostFromItself, and keeps what the data has lost.
func TestABackupCopiesWhatIsLostFromItself(t *testing.T) {
	s := daemontest.Start(t, inParts)
	dir := filepath.Join(t.TempDir(), "b")
	good := random(64 << 10)
	file := upload(t, s, "", "a.bin", good)
	mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir})
	kept, original := blobsOf(t, dir)[0], blobsOf(t, s.Config.Data)[0]
	bad := slices.Clone(good)
	bad[7] ^= 1

	// Damaged in the backup: only a size that is wrong shows by itself.
	os.WriteFile(kept, bad, 0o600)
	if r := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir}); r.Copied.New != 0 {
		t.Errorf("copied %+v", r.Copied)
	}
	if r := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir, Verify: true}); r.Copied.New != 1 || r.Copied.Lost != 0 {
		t.Errorf("with verify, copied %+v", r.Copied)
	}
	os.Truncate(kept, 9)
	if r := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir}); r.Copied.New != 1 {
		t.Errorf("copied %+v", r.Copied)
	}

	// Damaged in the data: the backup has it still, and a restore puts it right.
	os.WriteFile(original, bad, 0o600)
	defer os.WriteFile(original, good, 0o600)
	s.Config.ScrubRate = 1 << 30
	s.Restart()
	s.Clock.Add(25 * time.Hour)
	s.Scrub(t.Context())
	if status, _ := do(t, s, "GET", "/2.0/files/"+file+"/content", nil); status != 500 {
		t.Fatalf("a damaged file: %d", status)
	}
	if r := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir}); r.Copied.Lost != 0 || len(r.Lost) != 0 {
		t.Errorf("lost %v", r.Lost)
	}
	data, r := mustRestore(t, dir, "")
	if len(r.Doctor.Broken) > 0 {
		t.Errorf("restored data is broken: %v", r.Doctor.Broken)
	}
	holds(t, again(t, data, s.Token), file, good)
	os.WriteFile(original, good, 0o600)
	s.Clock.Add(2 * time.Hour)
	s.Scrub(t.Context())
}

// TestWhatIsLostDoesNotKeepTheRestFromBeingSaved.
func TestWhatIsLostDoesNotKeepTheRestFromBeingSaved(t *testing.T) {
	s := daemontest.Start(t, inParts)
	dir := filepath.Join(t.TempDir(), "b")
	lost := random(40_000)
	a := upload(t, s, "", "a.bin", lost)
	original := blobsOf(t, s.Config.Data)[0]
	saved := random(2000)
	b := upload(t, s, "", "b.bin", saved)
	os.WriteFile(original, lost[:999], 0o600)
	r := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir})
	if r.Copied.Lost != 1 || len(r.Lost) != 1 || r.Lost[0].Path != "/a.bin" || r.Lost[0].File.String() != a {
		t.Errorf("lost %+v, %v", r.Copied, r.Lost)
	}
	// It is known from then on.
	if status, _ := do(t, s, "GET", "/2.0/files/"+a+"/content", nil); status != 500 {
		t.Errorf("the lost file: %d", status)
	}
	data, restored := mustRestore(t, dir, "")
	if len(restored.Doctor.Lost) != 1 || restored.Copied.Lost != 1 {
		t.Errorf("restored %+v, %v", restored.Copied, restored.Doctor.Lost)
	}
	n, err := daemon.New(t.Context(), daemon.Config{Data: data, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	n.Close()
	holds(t, s, b, saved)
	do(t, s, "DELETE", "/2.0/files/"+a, nil) // doctor is to find nothing at the end
	do(t, s, "DELETE", "/2.0/files/"+a+"/trash", nil)
}

// TestDirectoriesThatAreNoBackups are left alone.
func TestDirectoriesThatAreNoBackups(t *testing.T) {
	s := daemontest.Start(t, inParts)
	data := s.Config.Data
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "letter.txt"), []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := t.TempDir()
	mustBackUp(t, daemon.BackupConfig{Data: data, Dir: newer})
	os.WriteFile(filepath.Join(newer, "boxcar-backup"), []byte("2\n"), 0o600)
	for dir, want := range map[string]string{
		other:                       "is not a backup",
		newer:                       `of layout "2"`,
		data:                        "need directories of their own",
		filepath.Join(data, "b"):    "need directories of their own",
		filepath.Dir(data):          "need directories of their own",
		filepath.Join(other, "x/y"): "",
	} {
		_, err := daemon.Backup(t.Context(), daemon.BackupConfig{Data: data, Dir: dir})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("backup to %s: %v, want %q", dir, err, want)
		}
	}
	if _, err := daemon.Backup(t.Context(), daemon.BackupConfig{Data: other, Dir: t.TempDir()}); err == nil {
		t.Error("what is no data directory was backed up")
	}
	if _, err := daemon.Restore(t.Context(), daemon.RestoreConfig{Dir: other, Data: filepath.Join(t.TempDir(), "n")}); err == nil {
		t.Error("what is no backup was restored")
	}
	good := filepath.Join(other, "x/y")
	for _, to := range []string{other, data, filepath.Join(good, "n")} {
		if _, err := daemon.Restore(t.Context(), daemon.RestoreConfig{Dir: good, Data: to}); err == nil {
			t.Errorf("restored to %s", to)
		}
	}
	if _, err := daemon.Restore(t.Context(), daemon.RestoreConfig{Dir: good, Snapshot: "20200101T000000.000Z", Data: filepath.Join(t.TempDir(), "n")}); err == nil {
		t.Error("a snapshot that is not there was restored")
	}
}

// TestABackupThatIsStoppedLeavesWhatWasThere stops one at many moments.
func TestABackupThatIsStoppedLeavesWhatWasThere(t *testing.T) {
	s := daemontest.Start(t, inParts)
	dir := filepath.Join(t.TempDir(), "b")
	data := random(300_000)
	file := upload(t, s, "", "a.bin", data)
	first := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir})
	upload(t, s, "", "b.bin", random(600_000))
	stopped := 0
	for after := time.Millisecond; after < 200*time.Millisecond; after = after * 3 / 2 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		_, err := daemon.Backup(ctx, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir, Keep: 100})
		cancel()
		if err == nil {
			break
		}
		stopped++
		all, err := daemon.Snapshots(dir)
		if err != nil || len(all) == 0 || all[0].Name != first.Snapshot {
			t.Fatalf("stopped after %v, it leaves %v, %v", after, all, err)
		}
	}
	if stopped == 0 {
		t.Error("no backup was stopped")
	}
	_, r := mustRestore(t, dir, first.Snapshot)
	if len(r.Doctor.Broken) > 0 {
		t.Errorf("broken: %v", r.Doctor.Broken)
	}
	second := mustBackUp(t, daemon.BackupConfig{Now: s.Clock.Now, Data: s.Config.Data, Dir: dir})
	if left, _ := filepath.Glob(filepath.Join(dir, "snapshots", "*.part")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	newest, _ := mustRestore(t, dir, second.Snapshot)
	holds(t, again(t, newest, s.Token), file, data)
}

// TestNoBlobIsDeletedWhileABackupHolds them, and they go when it is over.
func TestNoBlobIsDeletedWhileABackupHolds(t *testing.T) {
	s := daemontest.Start(t, inParts)
	file := upload(t, s, "", "a.bin", random(150_000))
	rows, err := sqlite.Open(filepath.Join(s.Config.Data, "boxcar.db"), sqlite.Options{Beside: true})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	hold, err := backup.Take(t.Context(), rows, "test", s.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	do(t, s, "DELETE", "/2.0/files/"+file, nil)
	if status, b := do(t, s, "DELETE", "/2.0/files/"+file+"/trash", nil); status != 204 {
		t.Fatalf("purge: %d %s", status, b)
	}
	for _, name := range blobsOf(t, s.Config.Data) {
		old := time.Now().Add(-2 * time.Hour)
		os.Chtimes(name, old, old)
	}
	s.Chores(t.Context())
	if n := len(blobsOf(t, s.Config.Data)); n != 3 {
		t.Errorf("%d of 3 blobs are left, held", n)
	}
	if err := hold.Held(t.Context()); err != nil {
		t.Error(err)
	}
	if err := errors.Join(hold.Release(t.Context()), hold.Release(t.Context())); err != nil {
		t.Fatal(err)
	}
	s.Chores(t.Context())
	if n := len(blobsOf(t, s.Config.Data)); n != 0 {
		t.Errorf("%d blobs are left behind the hold", n)
	}

	// One that gave no sign of life does not hold for ever, and knows it.
	if hold, err = backup.Take(t.Context(), rows, "test", s.Clock.Now); err != nil {
		t.Fatal(err)
	}
	s.Clock.Add(11 * time.Minute)
	if err := hold.Held(t.Context()); !errors.Is(err, backup.ErrLapsed) {
		t.Errorf("a hold of 10 minutes after 11: %v", err)
	}
	s.Chores(t.Context())
	err = rows.View(t.Context(), func(tx meta.Tx) error { _, err := tx.Hold("test"); return err })
	if !content.Is(err, content.NotFound) {
		t.Errorf("the hold is still there: %v", err)
	}
	hold.Release(t.Context())
}

// TestABackupThatWasNotHeldIsNone: the machine may have slept.
func TestABackupThatWasNotHeldIsNone(t *testing.T) {
	s := daemontest.Start(t, inParts)
	upload(t, s, "", "a.bin", random(1000))
	dir := filepath.Join(t.TempDir(), "b")
	asked, begun := 0, time.Now()
	now := func() time.Time { asked++; return begun.Add(time.Duration(asked) * 11 * time.Minute) }
	_, err := daemon.Backup(t.Context(), daemon.BackupConfig{Now: now, Data: s.Config.Data, Dir: dir})
	if !errors.Is(err, backup.ErrLapsed) {
		t.Errorf("backup gave %v", err)
	}
	if all, err := daemon.Snapshots(dir); err != nil || len(all) != 0 {
		t.Errorf("snapshots: %v, %v", all, err)
	}
}

// TestWritersGoOnDuringABackup: nobody waits for the copy of the database.
func TestWritersGoOnDuringABackup(t *testing.T) {
	s := daemontest.Start(t, inParts)
	// A database that takes a while to copy.
	rows, err := sqlite.Open(filepath.Join(s.Config.Data, "boxcar.db"), sqlite.Options{Beside: true})
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for n := range 60 {
		err := rows.Update(t.Context(), func(tx meta.Tx) error { return tx.PutSetting(fmt.Sprint("filler", n), random(1<<20)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var slowest time.Duration
	writes := 0
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	for n := range 2 {
		done.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				began := time.Now()
				status, b := do(t, s, "POST", "/2.0/folders", fmt.Appendf(nil, `{"name":"%d-%d","parent":{"id":"0"}}`, n, i))
				if status != 201 {
					t.Errorf("create folder: %d %s", status, b)
					return
				}
				mu.Lock()
				slowest, writes = max(slowest, time.Since(began)), writes+1
				mu.Unlock()
			}
		})
	}
	measure := func(during func()) (time.Duration, int) {
		mu.Lock()
		slowest, writes = 0, 0
		mu.Unlock()
		during()
		mu.Lock()
		defer mu.Unlock()
		return slowest, writes
	}
	before, _ := measure(func() { time.Sleep(300 * time.Millisecond) })
	began := time.Now()
	slow, n := measure(func() { mustBackUp(t, daemon.BackupConfig{Data: s.Config.Data, Dir: filepath.Join(t.TempDir(), "b")}) })
	took := time.Since(began)
	stop()
	done.Wait()
	t.Logf("the backup took %v; meanwhile %d writes, the slowest %v; without a backup %v", took, n, slow, before)
	// A lock over the copy would make one write wait for about all of it.
	if slow > max(100*time.Millisecond, 3*before, took/3) {
		t.Errorf("a write took %v while a backup took %v; without one the slowest took %v", slow, took, before)
	}
	if n == 0 {
		t.Error("nothing was written meanwhile")
	}
}
