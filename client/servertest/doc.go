// Package servertest holds the tests of the client against a real server. They are
// not beside the client: its fuzz targets would have to build the whole server with
// them.
package servertest
