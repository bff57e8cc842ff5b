// Package client is a client of the Box content API, made for big files: for
// Box itself and for boxcar. It uses the standard library only.
//
//	c, err := client.New(client.Config{Tokens: client.StaticToken(token)})
//	...
//	src, err := client.OpenFile("survey.laz")
//	...
//	defer src.Close()
//	done, err := c.Upload(ctx, client.Upload{Source: src, FolderID: "0", Name: "survey.laz"})
//
// # Uploads
//
// Upload puts one file into a folder, or makes a new version of one. Files below
// 20,000,000 bytes go in one request. Larger ones go through an upload session:
// the source is read once, in order, for the SHA-1 of each part and of the whole,
// and the parts are sent in parallel, read from the source again as they go. Memory
// is a small buffer for each part under way, however large the parts are. What
// can't be read again (a pipe) is spooled to a temporary file, a few parts at a
// time if its size is known, whole if it is not.
//
// An upload ends in one of two ways: the file is there, its digest is the source's,
// and there is exactly one new version of it, which a boxcar keeps through a power
// cut; or there is an error. Where a session has parts that arrived, that is an
// [*UploadError], which names it. With a [StateStore] the same call made again, by
// another process or after a crash, goes on from there; with nothing but
// [Upload.SessionID] another machine that has the same source can.
//
// # What is tried again
//
// Every call is repeated, as [Retry] has it, after a 429, a 5xx and a lost
// connection, as long as it is known that doing it twice does no harm. Where that
// is not so, what the first attempt did is looked up before the second: a part
// whose answer was lost is looked for among the parts of its session, a file under
// its name and SHA-1. Waits are random in a range that doubles, follow Retry-After,
// and end with their context. A token that was refused is replaced once, by one
// caller for all that wait.
//
// # Errors
//
// What a server refuses is an [*Error] with the status, Box's code and request id,
// also inside the errors of Upload and Download. [IsNotFound], [IsConflict] and
// others name the usual cases. What has to be told apart in an upload has a value
// of its own: [ErrSourceChanged], [ErrNameInUse], [ErrUnauthorized].
//
// A Client, and all that this package makes, may be used by many goroutines at
// once, except where it says otherwise.
package client
