// Package boxapi is the wire of the Box content API as plain values: the
// headers, the JSON bodies and the error codes that clients and servers
// exchange. It does no IO and knows no handlers, so that a server, a client
// and a test can all speak through it.
//
// Outside text is parsed here, once. Parsers are liberal where Box clients are
// known to differ, and strict everywhere else; each says what it accepts.
//
// Everything in this package may be used concurrently, as long as nobody
// changes a value that another goroutine is reading.
package boxapi
