package content

// Span is a half-open run of bytes [Start, End) of a file, in bytes. The
// wire's Content-Range is closed at both ends; boxapi converts.
type Span struct{ Start, End int64 }

// Len is the number of bytes in the span.
func (s Span) Len() int64 { return s.End - s.Start }

// Grid is how a file is cut into parts: all of PartSize bytes but the last,
// which has what is left.
type Grid struct{ FileSize, PartSize int64 } // bytes

const (
	mib = 1 << 20

	// MaxParts is the largest number of parts of one upload session.
	MaxParts = 10_000
	// MaxPartSize is the largest part, in bytes: clients read part sizes into
	// 32-bit integers.
	MaxPartSize = 1 << 30
	// MaxFileSize is the largest file that MaxParts parts can carry, in bytes.
	MaxFileSize = MaxParts * MaxPartSize
)

// GridFor chooses the part size for a file: first if it is not 0, else 8 MiB
// up to 512 MiB, 32 MiB up to 4 GiB and 64 MiB above, as Box did from 2021 to
// 2023; then doubled until no more than MaxParts parts are needed.
func GridFor(fileSize, first int64) Grid {
	g := Grid{FileSize: fileSize, PartSize: first}
	if first == 0 {
		switch {
		case fileSize <= 512*mib:
			g.PartSize = 8 * mib
		case fileSize <= 4096*mib:
			g.PartSize = 32 * mib
		default:
			g.PartSize = 64 * mib
		}
	}
	for g.Parts() > MaxParts {
		g.PartSize *= 2
	}
	return g
}

// Parts is the number of parts that make up the file.
func (g Grid) Parts() int64 {
	n := g.FileSize / g.PartSize
	if g.FileSize%g.PartSize != 0 {
		n++
	}
	return n
}

// Slot is the span of part i, counted from 0.
func (g Grid) Slot(i int64) Span {
	start := i * g.PartSize
	return Span{Start: start, End: min(start+g.PartSize, g.FileSize)}
}

// Holds says whether span is exactly one of the parts.
func (g Grid) Holds(span Span) bool {
	return span.Start >= 0 && span.Start < g.FileSize &&
		span.Start%g.PartSize == 0 && span == g.Slot(span.Start/g.PartSize)
}
