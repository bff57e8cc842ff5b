package servertest

import (
	"bytes"
	"testing"

	"boxcar/client"
)

func TestPromoteVersion(t *testing.T) {
	ctx := t.Context()
	c := clientOf(t, start(t))
	first := must(c.Upload(ctx, client.Upload{Source: reader(content(100, 1)), Name: "f"})).File
	id := string(first.ID)
	must(c.Upload(ctx, client.Upload{Source: reader(content(100, 2)), FileID: id}))
	v := must(c.PromoteVersion(ctx, id, string(first.FileVersion.ID)))
	if v.SHA1 != first.SHA1 || v.ID == first.FileVersion.ID {
		t.Errorf("the new version is %+v", v)
	}
	if !bytes.Equal(downloaded(t, c, id, ""), content(100, 1)) {
		t.Error("the file does not have the bytes of the version that was promoted")
	}
	if _, err := c.PromoteVersion(ctx, id, "1"); !client.IsNotFound(err) {
		t.Errorf("a version that is not there: %v", err)
	}
}
