package disk

import (
	"testing"

	"boxcar/internal/vfs/faultfs"
)

// Two changes are made; the sync for the first fails, and may have lost both.
func TestAFailedSyncCountsForAllItCovered(t *testing.T) {
	fsys := faultfs.New()
	d := newDirectory(fsys, ".")
	first, second := d.failures(), d.failures()
	fsys.Fail(faultfs.Fault{Ops: faultfs.SyncDir})
	if err := d.sync(first); err == nil {
		t.Error("the sync failed and nobody said so")
	}
	if err := d.sync(second); err == nil {
		t.Error("a sync that went well hides the one that failed before it")
	}
	if err := d.sync(d.failures()); err != nil {
		t.Errorf("a change made after the failure: %v", err)
	}
}
