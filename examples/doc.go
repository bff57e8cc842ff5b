// Package examples holds small programs that use the client package. Each talks to
// the server that BOXCAR_URL names, with the token in BOXCAR_TOKEN; without
// BOXCAR_URL that is Box.
package examples
