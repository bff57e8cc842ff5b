package servertest

import (
	"testing"

	"boxcar/client"
)

func TestPurge(t *testing.T) {
	ctx := t.Context()
	c := clientOf(t, start(t))
	folder := must(c.EnsureFolder(ctx, "/a/b"))
	file := must(c.Upload(ctx, client.Upload{Source: reader(content(100, 1)), FolderID: string(folder.ID), Name: "f"})).File
	if err := c.PurgeFile(ctx, string(file.ID)); !client.IsNotFound(err) {
		t.Errorf("a file that is not in the trash: %v", err)
	}
	if err := c.DeleteFile(ctx, string(file.ID), ""); err != nil {
		t.Fatal(err)
	}
	if err := c.PurgeFile(ctx, string(file.ID)); err != nil {
		t.Fatal(err)
	}
	if err := c.PurgeFile(ctx, string(file.ID)); !client.IsNotFound(err) {
		t.Errorf("purged twice: %v", err)
	}
	if err := c.DeleteFolder(ctx, string(folder.ID), false, ""); err != nil {
		t.Fatal(err)
	}
	if err := c.PurgeFolder(ctx, string(folder.ID)); err != nil {
		t.Fatal(err)
	}
	if err := c.PurgeFolder(ctx, string(folder.ID)); !client.IsNotFound(err) {
		t.Errorf("a folder that is purged: %v", err)
	}
}
