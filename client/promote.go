package client

import (
	"context"
	"net/http"

	"boxcar/boxapi"
)

// PromoteVersion makes the current version of a file again of a past one: a new
// version with its bytes, none of which move. If the answer is lost it is an error,
// and not done again: the file's versions show what became of it.
func (c *Client) PromoteVersion(ctx context.Context, fileID, version string) (*boxapi.FileVersion, error) {
	return change[boxapi.FileVersion](ctx, c, &request{
		method: http.MethodPost, path: "/files" + idPath(fileID, "versions", "current"), once: true,
		json: boxapi.PromoteVersion{Type: boxapi.TypeFileVersion, ID: boxapi.ID(version)},
	})
}
