// Package digest computes SHA-1 at the speed of the machine: of one stream, of
// many at once, and of a file that arrives in pieces, whose running state can
// be kept and taken up again.
//
// One stream leaves much of a processor idle: each round of SHA-1 waits for
// the one before. So a Hasher takes the bytes that several streams have ready
// and hashes them side by side, by what is fastest here: two or three streams
// in turns through the SHA instructions, a part and its file, which share the
// message, in one pass, or 8 or 16 streams in the lanes of vector registers.
package digest

//go:generate sh -c "cd avo && go run . -pkg digest -out ../sha1_amd64.s -stubs ../sha1_amd64.go"
