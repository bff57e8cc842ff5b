package preview

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/webp"

	"boxcar/internal/content"
)

// head is what the beginning of a picture says of it.
type head struct {
	format        *format
	width, height int
	orientation   int   // as in EXIF, from 1
	memory        int64 // what decoding takes at the most, bytes
}

// format is a kind of picture. What a file is, its first bytes say, never its name.
type format struct {
	magic  string // "?" is any byte
	decode func(io.Reader) (image.Image, error)
	config func(io.Reader) (image.Config, error)
	// more reads what else there is to know from the start of the file, size
	// being known: the rest of a head.
	more func(r *bufio.Reader, h *head)
}

// The order does not matter. The figures for memory are what these decoders
// take; TestMemoryIsWhatHeadsSay compares.
var formats = []*format{
	{magic: "\xff\xd8\xff", decode: jpeg.Decode, config: jpeg.DecodeConfig, more: moreJPEG},
	{magic: "\x89PNG\r\n\x1a\n", decode: png.Decode, config: png.DecodeConfig, more: morePNG},
	// One byte a pixel for the frame, and one more to sort interlaced lines.
	{magic: "GIF8?a", decode: gif.Decode, config: gif.DecodeConfig, more: each(2)},
	// Lossless: four bytes, four more where there is a palette; lossy with
	// alpha decodes both kinds.
	{magic: "RIFF????WEBP", decode: webp.Decode, config: stillWebP, more: each(10)},
}

// headBytes is how far into a file its head may reach. What cameras put in
// front of a JPEG's frame is some 100 KiB.
const headBytes = 1 << 20

// mostSide is the longest side that a picture may have, pixels: the most that
// JPEG and GIF can say.
const mostSide = math.MaxUint16

// readHead reads the head of a picture.
func readHead(ctx context.Context, file io.ReadSeeker) (h head, err error) {
	// From the start, with a reader that remembers what went wrong below.
	var g *guarded
	open := func() (*bufio.Reader, error) {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		g = &guarded{ctx: ctx, r: file, left: headBytes}
		return bufio.NewReaderSize(g, 512), nil
	}
	r, err := open()
	if err != nil {
		return h, err
	}
	first, err := r.Peek(16)
	if err != nil && !errors.Is(err, io.EOF) {
		return h, err
	}
	for _, f := range formats {
		if hasMagic(first, f.magic) {
			h.format = f
		}
	}
	if h.format == nil {
		return h, ErrNoPicture
	}
	config, err := configOf(h.format, r)
	switch {
	case ctx.Err() != nil:
		return h, busy(ctx.Err())
	case g.failed != nil:
		return h, g.failed
	case err != nil:
		return h, content.Errorf(content.NoPreview, "the picture is damaged, or of a kind that can't be read").Because(err)
	case config.Width < 1 || config.Height < 1 || config.Width > mostSide || config.Height > mostSide:
		return h, content.Errorf(content.NoPreview, "a picture of %d by %d pixels has no preview", config.Width, config.Height)
	}
	h.width, h.height, h.orientation = config.Width, config.Height, 1
	if r, err = open(); err != nil {
		return h, err
	}
	h.format.more(r, &h)
	if ctx.Err() != nil {
		return h, busy(ctx.Err())
	}
	return h, g.failed
}

func configOf(f *format, r io.Reader) (c image.Config, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoding panicked: %v", p)
		}
	}()
	return f.config(r)
}

// stillWebP refuses animations, which the library can't decode but has a head for.
func stillWebP(r io.Reader) (image.Config, error) {
	const flags, animated = 20, 1 << 1
	buffered := bufio.NewReaderSize(r, 512)
	b, err := buffered.Peek(flags + 1)
	if err == nil && string(b[12:16]) == "VP8X" && b[flags]&animated != 0 {
		return image.Config{}, errors.New("animated WebP")
	}
	return webp.DecodeConfig(buffered)
}

func hasMagic(b []byte, magic string) bool {
	if len(b) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != b[i] {
			return false
		}
	}
	return true
}

// each is for formats whose decoders take that many bytes a pixel.
func each(bytes int64) func(*bufio.Reader, *head) {
	return func(_ *bufio.Reader, h *head) { h.memory = h.pixels() * bytes }
}

func (h *head) pixels() int64 { return int64(h.width) * int64(h.height) }

// morePNG reads IHDR: 8 bytes of magic, 8 of length and type, then width,
// height, depth, colour type, compression, filter, interlacing.
func morePNG(r *bufio.Reader, h *head) {
	h.memory = h.pixels() * 16
	b, err := r.Peek(29)
	if err != nil {
		return
	}
	depth, colour, interlaced := b[24], b[25], b[28] != 0
	bytes := int64(4)
	switch {
	case depth == 16:
		bytes = 8
	case colour == 3: // palette
		bytes = 1
	}
	if interlaced {
		bytes *= 2 // each pass is decoded for itself
	}
	h.memory = h.pixels() * bytes
}
