package client

import (
	"context"
	"net/http"
)

// PurgeFile deletes for good a file that is in the trash. Its bytes can't be had
// back.
func (c *Client) PurgeFile(ctx context.Context, id string) error {
	return c.delete(ctx, &request{method: http.MethodDelete, path: "/files" + idPath(id, "trash")})
}

// PurgeFolder is PurgeFile for a folder and all below it.
func (c *Client) PurgeFolder(ctx context.Context, id string) error {
	return c.delete(ctx, &request{method: http.MethodDelete, path: "/folders" + idPath(id, "trash")})
}
