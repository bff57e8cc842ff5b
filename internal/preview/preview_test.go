package preview

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"boxcar/internal/content"
)

var (
	red   = color.RGBA{255, 0, 0, 255}
	green = color.RGBA{0, 255, 0, 255}
	blue  = color.RGBA{0, 0, 255, 255}
	white = color.RGBA{255, 255, 255, 255}
)

// quarters is red and green above blue and white, as the files in testdata are.
func quarters(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, c := range []color.RGBA{red, green, blue, white} {
		x, y := i%2, i/2
		draw.Draw(img, image.Rect(x*w/2, y*h/2, (x+1)*w/2, (y+1)*h/2), image.NewUniform(c), image.Point{}, draw.Src)
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t testing.TB, img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// paletted is img in the four colours of quarters.
func paletted(img image.Image) *image.Paletted {
	p := image.NewPaletted(img.Bounds(), color.Palette{red, green, blue, white, color.RGBA{}})
	draw.Draw(p, p.Bounds(), img, img.Bounds().Min, draw.Src)
	return p
}

func asGIF(t testing.TB, screen image.Point, frames ...*image.Paletted) []byte {
	var b bytes.Buffer
	g := &gif.GIF{Image: frames, Delay: make([]int, len(frames)), Config: image.Config{Width: screen.X, Height: screen.Y, ColorModel: frames[0].Palette}}
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func testdata(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withEXIF puts an EXIF segment behind the start of a JPEG.
func withEXIF(b []byte, orientation uint16) []byte {
	app1 := exif(binary.BigEndian, orientation)
	seg := append([]byte{0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(app1)+2))...)
	return slices.Concat(b[:2], seg, app1, b[2:])
}

type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// exif is an APP1 segment with two entries, the second of which says how the
// camera was held.
func exif(o order, orientation uint16) []byte {
	b := []byte("Exif\x00\x00MM\x00*")
	if o == order(binary.LittleEndian) {
		b = []byte("Exif\x00\x00II*\x00")
	}
	b = o.AppendUint32(b, 8)
	b = o.AppendUint16(b, 2)
	b = append(o.AppendUint32(o.AppendUint16(o.AppendUint16(b, 0x0100), 3), 1), 0, 9, 0, 0)
	b = o.AppendUint32(o.AppendUint16(o.AppendUint16(b, 0x0112), 3), 1)
	return append(o.AppendUint16(b, orientation), 0, 0)
}

// file is a Source of bytes.
func file(version content.ID, b []byte) Source {
	return Source{Version: version, Open: func(context.Context) (io.ReadSeekCloser, error) { return closing{bytes.NewReader(b)}, nil }}
}

type closing struct{ io.ReadSeeker }

func (closing) Close() error { return nil }

func mustDecode(t testing.TB, b []byte, want Type) image.Image {
	t.Helper()
	img, format, err := image.Decode(bytes.NewReader(b))
	if err != nil || format != map[Type]string{JPEG: "jpeg", PNG: "png"}[want] {
		t.Fatalf("a %s thumbnail is %q: %v", want, format, err)
	}
	return img
}

// near says whether a colour is another but for what JPEG does to it.
func near(a, b color.Color) bool {
	r, g, bl, al := a.RGBA()
	r2, g2, b2, al2 := b.RGBA()
	off := func(x, y uint32) bool { return max(x, y)-min(x, y) > 0x1800 }
	return !off(r, r2) && !off(g, g2) && !off(bl, b2) && !off(al, al2)
}

// corners are the colours in the middle of the four quarters.
func corners(img image.Image) (c [4]color.Color) {
	b := img.Bounds()
	for i := range c {
		c[i] = img.At(b.Min.X+b.Dx()*(1+2*(i%2))/4, b.Min.Y+b.Dy()*(1+2*(i/2))/4)
	}
	return c
}

func checkCorners(t *testing.T, img image.Image, want [4]color.RGBA) {
	t.Helper()
	for i, got := range corners(img) {
		if !near(got, want[i]) {
			t.Errorf("quarter %d is %v, want %v", i, got, want[i])
		}
	}
}

func TestThumbnailsOfEachFormat(t *testing.T) {
	upright := [4]color.RGBA{red, green, blue, white}
	clear := [4]color.RGBA{red, green, blue, {}}
	gray := image.NewGray16(image.Rect(0, 0, 200, 100))
	draw.Draw(gray, gray.Bounds(), image.White, image.Point{}, draw.Src)
	all := [4]color.RGBA{white, white, white, white}
	frame := paletted(quarters(64, 48))
	part := image.NewPaletted(image.Rect(32, 0, 64, 24), frame.Palette)
	draw.Draw(part, part.Bounds(), image.NewUniform(green), image.Point{}, draw.Src)
	for _, row := range []struct {
		name string
		data []byte
		w, h int // at 32 pixels
		want [4]color.RGBA
	}{
		{"jpeg", asJPEG(t, quarters(640, 480)), 32, 24, upright},
		{"progressive jpeg", testdata(t, "progressive.jpg"), 32, 24, upright},
		{"cmyk jpeg", testdata(t, "cmyk.jpg"), 32, 24, upright},
		{"high jpeg", asJPEG(t, quarters(480, 640)), 24, 32, upright},
		{"png", asPNG(t, quarters(640, 480)), 32, 24, upright},
		{"png of 16 bits", asPNG(t, gray), 32, 16, all},
		{"png with a palette", asPNG(t, frame), 32, 24, upright},
		{"small png, which does not grow", asPNG(t, quarters(10, 8)), 10, 8, upright},
		{"png of one pixel", asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1))), 1, 1, [4]color.RGBA{{0, 0, 0, 255}, {0, 0, 0, 255}, {0, 0, 0, 255}, {0, 0, 0, 255}}},
		{"png of one line", asPNG(t, quarters(5000, 2)), 32, 1, [4]color.RGBA{{128, 0, 128, 255}, {128, 255, 128, 255}, {128, 0, 128, 255}, {128, 255, 128, 255}}},
		{"gif", asGIF(t, image.Pt(64, 48), frame), 32, 24, upright},
		{"animated gif: its first frame", asGIF(t, image.Pt(64, 48), frame, part), 32, 24, upright},
		{"gif whose frame is less than its screen", asGIF(t, image.Pt(64, 48), part), 32, 24, [4]color.RGBA{{}, green, {}, {}}},
		{"lossy webp", testdata(t, "lossy.webp"), 32, 24, upright},
		{"lossless webp", testdata(t, "lossless.webp"), 32, 24, upright},
		{"webp with alpha", testdata(t, "alpha.webp"), 32, 24, clear},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, form := range []Form{{PNG, 32}, {JPEG, 32}} {
				s := New(Limits{})
				b, err := s.Thumbnail(t.Context(), file(1, row.data), form)
				if err != nil {
					t.Fatal(err)
				}
				img := mustDecode(t, b, form.Type)
				if got := img.Bounds().Size(); got != image.Pt(row.w, row.h) {
					t.Errorf("%s is %v, want %d by %d", form.Type, got, row.w, row.h)
				}
				want := row.want
				for i := range want {
					if form.Type == JPEG && want[i].A == 0 {
						want[i] = white
					}
				}
				if row.w > 10 || row.w > 1 && form.Type == PNG { // JPEG blurs colours over 16 pixels
					checkCorners(t, img, want)
				}
				if err := s.Look(t.Context(), file(1, row.data)); err != nil {
					t.Errorf("Look: %v", err)
				}
			}
		})
	}
}

// Each camera position brings the four quarters to where the eye wants them.
func TestOrientation(t *testing.T) {
	stored := [4]color.RGBA{red, green, blue, white}
	for o, where := range map[uint16][4]int{ // quarter i of the thumbnail is quarter where[i] of what is stored
		0: {0, 1, 2, 3}, 1: {0, 1, 2, 3}, 2: {1, 0, 3, 2}, 3: {3, 2, 1, 0}, 4: {2, 3, 0, 1},
		5: {0, 2, 1, 3}, 6: {2, 0, 3, 1}, 7: {3, 1, 2, 0}, 8: {1, 3, 0, 2}, 9: {0, 1, 2, 3},
	} {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			b, err := New(Limits{}).Thumbnail(t.Context(), file(1, withEXIF(asJPEG(t, quarters(640, 480)), o)), Form{PNG, 64})
			if err != nil {
				t.Fatal(err)
			}
			img := mustDecode(t, b, PNG)
			size := image.Pt(64, 48)
			if o >= 5 && o <= 8 {
				size = image.Pt(48, 64)
			}
			if img.Bounds().Size() != size {
				t.Errorf("%v, want %v", img.Bounds().Size(), size)
			}
			var want [4]color.RGBA
			for i := range want {
				want[i] = stored[where[i]]
			}
			checkCorners(t, img, want)
		})
	}
}

func TestReadOrientation(t *testing.T) {
	le, be := exif(binary.LittleEndian, 6), exif(binary.BigEndian, 8)
	edit := func(b []byte, at int, v ...byte) []byte {
		b = slices.Clone(b)
		copy(b[at:], v)
		return b
	}
	const second = 6 + 8 + 2 + 12 // where the second entry stands
	for _, row := range []struct {
		name string
		in   []byte
		want int
		ok   bool
	}{
		{"little endian", le, 6, true},
		{"big endian", be, 8, true},
		{"not EXIF", []byte("http://ns.adobe.com/xap/1.0/\x00"), 1, false},
		{"nothing", nil, 1, false},
		{"no TIFF", []byte("Exif\x00\x00"), 1, true},
		{"another byte order", edit(be, 6, 'X'), 1, true},
		{"another magic", edit(be, 9, 43), 1, true},
		{"a directory beyond the end", edit(be, 10, 0xff, 0xff, 0xff, 0xff), 1, true},
		{"a directory at the very end", edit(be, 10, 0, 0, 0, byte(len(be)-6)), 1, true},
		{"cut off in its entry", be[:len(be)-1], 1, true},
		{"cut off before its entry", be[:second], 1, true},
		{"more entries than there are", edit(be, 14, 0xff, 0xff), 8, true},
		{"fewer entries than there are", edit(be, 14, 0, 1), 1, true},
		{"another type", edit(be, second+2, 0, 4), 1, true},
		{"two values", edit(be, second+7, 2), 1, true},
		{"value 0", edit(be, second+8, 0, 0), 1, true},
		{"value 9", edit(be, second+8, 0, 9), 1, true},
		{"value 256+1", edit(be, second+8, 1, 1), 1, true},
	} {
		if got, ok := orientation(row.in); got != row.want || ok != row.ok {
			t.Errorf("%s: %d, %v; want %d, %v", row.name, got, ok, row.want, row.ok)
		}
	}
}

// pngOf is a PNG whose head says what it likes.
func pngOf(w, h uint32, depth, colour byte) []byte {
	chunk := func(kind string, data []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		b = append(append(b, kind...), data...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	ihdr := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	return slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(ihdr, depth, colour, 0, 0, 0)), chunk("IDAT", []byte{0x78, 0x9c}), chunk("IEND", nil))
}

// jpegOf is the head of a JPEG, and no picture.
func jpegOf(w, h uint16, sof byte) []byte {
	b := []byte{0xff, 0xd8, 0xff, sof, 0, 17, 8}
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, h), w)
	return append(b, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xda, 0, 2)
}

func webpOf(w, h uint32) []byte { // lossless
	bits := (w - 1) | (h-1)<<14
	b := append([]byte("RIFF\x20\x00\x00\x00WEBPVP8L\x14\x00\x00\x00\x2f"), byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
	return append(b, make([]byte, 16)...)
}

// What would cost too much is refused by its head, and what is no picture at
// all too; neither takes memory.
func TestNoPreview(t *testing.T) {
	giant := asGIF(t, image.Pt(8, 8), paletted(quarters(8, 8)))
	copy(giant[6:], []byte{0xff, 0xff, 0xff, 0xff})
	photo := asJPEG(t, quarters(640, 480))
	metadata := append(slices.Clone(photo[:2]), bytes.Repeat(append([]byte{0xff, 0xe2, 0xff, 0xff}, make([]byte, 0xfffd)...), 17)...)
	for _, row := range []struct {
		name  string
		data  []byte
		none  bool // no picture at all
		later bool // the head is fine
	}{
		{name: "nothing", none: true},
		{name: "one byte", data: []byte{0xff}, none: true},
		{name: "text", data: []byte("this is a text with a name that ends in .png"), none: true},
		{name: "a bitmap", data: append([]byte("BM"), make([]byte, 100)...), none: true},
		{name: "RIFF, but sound", data: []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"), none: true},
		{name: "png of 60000 by 60000", data: pngOf(60000, 60000, 8, 6)},
		{name: "png of 2^31-1 by 1", data: pngOf(1<<31-1, 1, 1, 0)},
		{name: "png of 7000 by 7000, 16 bits: too much memory", data: pngOf(7000, 7000, 16, 6)},
		{name: "png of 0 by 0", data: pngOf(0, 0, 8, 6)},
		{name: "gif with a screen of 65535 by 65535", data: giant},
		{name: "jpeg of 65500 by 65500", data: jpegOf(65500, 65500, 0xc0)},
		{name: "progressive jpeg of 5000 by 5000: too much memory", data: jpegOf(5000, 5000, 0xc2)},
		{name: "webp of 16384 by 16384", data: webpOf(16384, 16384)},
		{name: "animated webp", data: testdata(t, "animated.webp")},
		{name: "jpeg with more than a megabyte before its frame", data: append(metadata, photo[2:]...)},
		{name: "jpeg that ends in its head", data: photo[:100]},
		{name: "jpeg that ends in its middle", data: photo[:len(photo)/2], later: true},
		{name: "jpeg without a picture", data: jpegOf(500, 500, 0xc0), later: true},
		{name: "png that ends in its middle", data: asPNG(t, quarters(640, 480))[:300], later: true},
		{name: "png without a picture", data: pngOf(500, 500, 8, 6), later: true},
		{name: "gif that ends in its middle", data: asGIF(t, image.Pt(8, 8), paletted(quarters(8, 8)))[:40], later: true},
		{name: "webp that ends in its middle", data: testdata(t, "lossy.webp")[:100], later: true},
		{name: "webp without a picture", data: webpOf(500, 500), later: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := New(Limits{})
			src := file(1, row.data)
			opened := 0
			counted := Source{Version: 1, Open: func(ctx context.Context) (io.ReadSeekCloser, error) { opened++; return src.Open(ctx) }}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := s.Look(t.Context(), counted)
			if row.later {
				if err != nil {
					t.Errorf("Look: %v", err)
				}
			} else if !content.Is(err, content.NoPreview) || errors.Is(err, ErrNoPicture) != row.none {
				t.Errorf("Look: %v", err)
			}
			_, err = s.Thumbnail(t.Context(), counted, Form{PNG, 32})
			if !content.Is(err, content.NoPreview) || errors.Is(err, ErrNoPicture) != row.none {
				t.Errorf("Thumbnail: %v", err)
			}
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; !row.later && took > 4<<20 {
				t.Errorf("took %d bytes", took)
			}
			// A version is what it is: nobody reads it again.
			n := opened
			if _, again := s.Thumbnail(t.Context(), counted, Form{JPEG, 320}); again == nil || again.Error() != err.Error() || opened != n {
				t.Errorf("again: %v, after %v; opened %d times, then %d", again, err, n, opened)
			}
		})
	}
}

// What allow and enter reckon with is no less than what decoding and scaling take.
func TestMemoryIsWhatHeadsSay(t *testing.T) {
	const w, h = 1000, 750 // as the large files in testdata
	size := image.Rect(0, 0, w, h)
	img, gray, deep := image.NewRGBA(size), image.NewGray(size), image.NewNRGBA64(size)
	flat := image.NewPaletted(size, color.Palette{red, green, blue, white})
	pictures := map[string][]byte{
		"jpeg": asJPEG(t, img), "gray jpeg": asJPEG(t, gray), "png": asPNG(t, img), "gray png": asPNG(t, gray), "deep png": asPNG(t, deep),
		"png with a palette": asPNG(t, flat), "gif": asGIF(t, image.Pt(w, h), flat),
	}
	large, err := filepath.Glob("testdata/large-*")
	if err != nil || len(large) < 8 {
		t.Fatalf("%d large files (%v)", len(large), err)
	}
	for _, name := range large {
		pictures[name] = testdata(t, filepath.Base(name))
	}
	// own is for tables and buffers of codecs, which do not grow with the picture.
	check := func(name string, said, own int64, work func() error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := work(); err != nil {
			t.Error(name, err)
		}
		runtime.ReadMemStats(&after)
		if took := int64(after.TotalAlloc - before.TotalAlloc); took > said+own {
			t.Errorf("%s took %d bytes, and its head says %d", name, took, said)
		}
	}
	for name, data := range pictures {
		hd, err := readHead(t.Context(), bytes.NewReader(data))
		if err != nil {
			t.Fatal(name, err)
		}
		check(name, hd.memory, 256<<10, func() error {
			_, err := hd.format.decode(bytes.NewReader(data))
			return err
		})
		if name != "jpeg" {
			continue // what comes behind decoding is the same for all
		}
		for _, form := range []Form{{PNG, 32}, {JPEG, 1024}, {PNG, 2048}} {
			check(fmt.Sprint(form), hd.memory+scaling(hd, form), 1<<20, func() error {
				_, err := render(t.Context(), bytes.NewReader(data), hd, form)
				return err
			})
		}
	}
}

// gate is a Source whose readers wait.
type gate struct {
	data  []byte
	open  chan struct{} // closed: they go on
	there atomic.Int32  // how many are open
	most  atomic.Int32
}

func (g *gate) source(version content.ID) Source {
	return Source{Version: version, Open: func(context.Context) (io.ReadSeekCloser, error) {
		n := g.there.Add(1)
		for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
		}
		return &gated{closing{bytes.NewReader(g.data)}, g}, nil
	}}
}

type gated struct {
	closing
	g *gate
}

func (r *gated) Read(p []byte) (int, error) {
	<-r.g.open
	return r.closing.Read(p)
}

func (r *gated) Close() error {
	r.g.there.Add(-1)
	return nil
}

func TestMakersAreFewAndWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Limits{Makers: 2, Wait: time.Second, Time: time.Hour})
		g := &gate{data: asPNG(t, quarters(64, 64)), open: make(chan struct{})}
		for v := range content.ID(5) {
			hd, err := readHead(t.Context(), bytes.NewReader(g.data))
			if err != nil {
				t.Fatal(err)
			}
			s.looked.put(v, finding{head: hd}, 1)
		}
		var group sync.WaitGroup
		var made, refused atomic.Int32
		for v := range content.ID(5) {
			group.Go(func() {
				_, err := s.Thumbnail(t.Context(), g.source(v), Form{PNG, 32})
				var e *content.Error
				switch {
				case err == nil:
					made.Add(1)
				case content.Is(err, content.Unavailable) && errors.As(err, &e) && e.RetryAfter > 0:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Minute)
		close(g.open)
		group.Wait()
		if g.most.Load() != 2 || made.Load() != 2 || refused.Load() != 3 {
			t.Errorf("%d at once, %d made, %d refused; want 2, 2, 3", g.most.Load(), made.Load(), refused.Load())
		}
		// The places are free again.
		if _, err := s.Thumbnail(t.Context(), g.source(4), Form{PNG, 32}); err != nil {
			t.Error(err)
		}
	})
}

// watched counts what is read, and does something once n bytes were.
type watched struct {
	closing
	n    int
	then func()
	more int // bytes read after it
	done bool
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.closing.Read(p)
	if w.done {
		w.more += n
	}
	if w.n -= n; w.n < 0 && !w.done {
		w.done = true
		w.then()
	}
	return n, err
}

// noisy is a PNG that does not compress, of about 4 bytes a pixel.
func noisy(t testing.TB, side int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	rand.NewChaCha8([32]byte{2}).Read(img.Pix)
	return asPNG(t, img)
}

func TestDecodingStopsWithItsContext(t *testing.T) {
	data := noisy(t, 800)
	ctx, cancel := context.WithCancel(t.Context())
	s := New(Limits{})
	var w *watched
	src := Source{Version: 1, Open: func(context.Context) (io.ReadSeekCloser, error) {
		w = &watched{closing: closing{bytes.NewReader(data)}, n: 500_000, then: cancel}
		return w, nil
	}}
	_, err := s.Thumbnail(ctx, src, Form{PNG, 32})
	if !content.Is(err, content.Unavailable) {
		t.Errorf("%v, want Unavailable", err)
	}
	if !w.done || w.more > 0 {
		t.Errorf("%d bytes were read after the end of the context", w.more)
	}
	// It was nobody's fault, and the next one gets its thumbnail.
	if _, err := s.Thumbnail(t.Context(), src, Form{PNG, 32}); err != nil {
		t.Error(err)
	}
}

func TestDecodingEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := noisy(t, 200)
		s := New(Limits{Time: time.Minute})
		slow := true
		src := Source{Version: 1, Open: func(context.Context) (io.ReadSeekCloser, error) {
			return &watched{closing: closing{bytes.NewReader(data)}, n: 70_000, then: func() {
				if slow {
					time.Sleep(time.Hour)
				}
			}}, nil
		}}
		if _, err := s.Thumbnail(t.Context(), src, Form{PNG, 32}); !content.Is(err, content.NoPreview) {
			t.Errorf("%v, want NoPreview", err)
		}
		slow = false // the disk may have been, so that it is tried again
		if _, err := s.Thumbnail(t.Context(), src, Form{PNG, 32}); err != nil {
			t.Error(err)
		}
	})
}

// A few bytes can make a decoder walk over all of a picture, as often as they
// come: scans of a progressive JPEG that say "nothing here" of 27,306 blocks in
// 15 bits. Five megabytes of them would take a quarter of an hour.
func TestDecodingEndsInTimeWhereFewBytesAreMuchWork(t *testing.T) {
	const w, h = 2000, 2000
	b := []byte{0xff, 0xd8, 0xff, 0xc2, 0, 11, 8, h >> 8, h & 0xff, w >> 8, w & 0xff, 1, 1, 0x11, 0}
	b = append(b, 0xff, 0xc4, 0, 20, 0x10, 1) // a Huffman table of one code, of one bit
	b = append(append(b, make([]byte, 15)...), 0xe0)
	scan := []byte{0xff, 0xda, 0, 8, 1, 1, 0x00, 1, 63, 0x00, 0b01010101, 0b01010100, 0b10101010, 0b10101001, 0b01010101, 0b01010111}
	b = append(b, bytes.Repeat(scan, 5<<20/len(scan))...)
	s := New(Limits{Time: 200 * time.Millisecond})
	began := time.Now()
	_, err := s.Thumbnail(t.Context(), file(1, b), Form{PNG, 32})
	if !content.Is(err, content.NoPreview) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want NoPreview because of the time", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestNoMoreBytesThanTheLimit(t *testing.T) {
	data := noisy(t, 200)
	for limit, ok := range map[int64]bool{int64(len(data)) + 1: true, int64(len(data)) / 2: false} {
		_, err := New(Limits{Bytes: limit}).Thumbnail(t.Context(), file(1, data), Form{PNG, 32})
		if (err == nil) != ok || !ok && !content.Is(err, content.NoPreview) {
			t.Errorf("%d of %d bytes: %v", limit, len(data), err)
		}
	}
}

// What the storage does wrong is not said of the picture, at whatever byte.
func TestStorageErrorsComeThrough(t *testing.T) {
	data := noisy(t, 50)
	lost := errors.New("disk")
	for at := 0; at < len(data); at += 97 {
		s := New(Limits{})
		bad := Source{Version: 1, Open: func(context.Context) (io.ReadSeekCloser, error) {
			return &failing{closing{bytes.NewReader(data)}, at, lost}, nil
		}}
		if _, err := s.Thumbnail(t.Context(), bad, Form{PNG, 32}); !errors.Is(err, lost) || content.KindOf(err) != content.Internal {
			t.Fatalf("at byte %d: %v", at, err)
		}
		if _, err := s.Thumbnail(t.Context(), file(1, data), Form{PNG, 32}); err != nil {
			t.Fatalf("at byte %d, then: %v", at, err)
		}
	}
	s := New(Limits{})
	none := Source{Version: 1, Open: func(context.Context) (io.ReadSeekCloser, error) { return nil, lost }}
	if _, err := s.Thumbnail(t.Context(), none, Form{PNG, 32}); !errors.Is(err, lost) {
		t.Errorf("no open: %v", err)
	}
}

// Whatever call of the storage's fails, it is said, or the thumbnail is right.
func TestEachStorageCallFails(t *testing.T) {
	lost := errors.New("disk")
	data := withEXIF(asJPEG(t, quarters(100, 80)), 6)
	for n := 1; ; n++ {
		calls := 0
		call := func() error {
			if calls++; calls == n {
				return lost
			}
			return nil
		}
		src := Source{Version: 1, Open: func(context.Context) (io.ReadSeekCloser, error) {
			return &calling{bytes.NewReader(data), call}, call()
		}}
		b, err := New(Limits{}).Thumbnail(t.Context(), src, Form{PNG, 32})
		if calls < n {
			if err != nil {
				t.Fatal(err)
			}
			return // no call left to fail
		}
		if !errors.Is(err, lost) && (err != nil || mustDecode(t, b, PNG).Bounds().Dx() != 26) {
			t.Errorf("call %d failed, and Thumbnail said %v", n, err)
		}
	}
}

type calling struct {
	r    *bytes.Reader
	call func() error
}

func (c *calling) Read(p []byte) (int, error) {
	if err := c.call(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

func (c *calling) Seek(offset int64, whence int) (int64, error) {
	if err := c.call(); err != nil {
		return 0, err
	}
	return c.r.Seek(offset, whence)
}

func (c *calling) Close() error { return nil }

// failing reads up to a byte, counted from the start of the file.
type failing struct {
	closing
	n   int
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	at, _ := f.Seek(0, io.SeekCurrent)
	if int(at) >= f.n {
		return 0, f.err
	}
	return f.closing.Read(p[:min(len(p), f.n-int(at))])
}

func TestMadeThumbnailsAreKept(t *testing.T) {
	s := New(Limits{})
	data := asPNG(t, quarters(64, 48))
	opened := 0
	src := file(1, data)
	counted := Source{Version: 1, Open: func(ctx context.Context) (io.ReadSeekCloser, error) { opened++; return src.Open(ctx) }}
	first, err := s.Thumbnail(t.Context(), counted, Form{PNG, 32})
	if err != nil {
		t.Fatal(err)
	}
	n := opened
	again, err := s.Thumbnail(t.Context(), counted, Form{PNG, 32})
	if err != nil || !bytes.Equal(first, again) || opened != n {
		t.Errorf("%v; opened %d times, then %d", err, n, opened)
	}
	for _, other := range []struct {
		version content.ID
		form    Form
	}{{1, Form{JPEG, 32}}, {1, Form{PNG, 64}}, {2, Form{PNG, 32}}} {
		b, err := s.Thumbnail(t.Context(), file(other.version, asPNG(t, quarters(48, 64))), other.form)
		if err != nil || bytes.Equal(b, first) {
			t.Errorf("%v is what was kept of another: %v", other, err)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache[int, string](100)
	for i := range 50 {
		c.put(i, "x", 10)
		if _, ok := c.get(0); !ok {
			t.Fatalf("after %d, what is used was let go of", i)
		}
		if c.total > 100 || len(c.byKey) > 10 || c.order.Len() != len(c.byKey) {
			t.Fatalf("after %d, the cache has %d entries of %d in all", i, len(c.byKey), c.total)
		}
	}
	if _, ok := c.get(49); !ok {
		t.Error("the last is not there")
	}
	if _, ok := c.get(1); ok {
		t.Error("what was not used is there")
	}
	c.put(49, "large", 26)
	if _, ok := c.get(49); ok {
		t.Error("what is too large was kept, or what it replaces")
	}
	c.put(48, "again", 20)
	if v, _ := c.get(48); v != "again" || c.total != 100 {
		t.Errorf("%q replaces, and the total is %d", v, c.total)
	}
}

func TestChoose(t *testing.T) {
	for _, row := range []struct {
		t    Type
		b    Bounds
		want int // 0: none
	}{
		{PNG, Bounds{}, 256},
		{JPEG, Bounds{}, 320},
		{PNG, Bounds{MinWidth: 32, MinHeight: 32}, 32},
		{PNG, Bounds{MinWidth: 33}, 64},
		{PNG, Bounds{MinHeight: 256}, 256},
		{PNG, Bounds{MinHeight: 257}, 0}, // larger than there are
		{JPEG, Bounds{MinHeight: 257}, 320},
		{JPEG, Bounds{MinWidth: 64}, 94},
		{JPEG, Bounds{MinWidth: 320, MinHeight: 32}, 320},
		{PNG, Bounds{MaxWidth: 100}, 64},
		{JPEG, Bounds{MaxWidth: 100, MaxHeight: 320}, 94},
		{PNG, Bounds{MaxWidth: 320, MaxHeight: 320}, 256},
		{PNG, Bounds{MinWidth: 40, MaxWidth: 200}, 64},
		{PNG, Bounds{MinWidth: 40, MaxWidth: 50}, 0},   // none between
		{JPEG, Bounds{MinWidth: 320, MaxWidth: 32}, 0}, // contradiction
		{JPEG, Bounds{MinWidth: 160, MaxHeight: 94}, 0},
		{PNG, Bounds{MinWidth: 31}, 0},
		{PNG, Bounds{MaxHeight: 31}, 0},
		{JPEG, Bounds{MaxHeight: 321}, 0},
		{JPEG, Bounds{MinHeight: 1 << 20}, 0},
	} {
		form, err := Choose(row.t, row.b)
		if row.want == 0 && !content.Is(err, content.PreviewSize) || row.want != 0 && (err != nil || form != Form{row.t, row.want}) {
			t.Errorf("%s, %+v: %v, %v; want %d", row.t, row.b, form, err, row.want)
		}
	}
}

// A thumbnail is the mean of the picture: even stripes become gray, at every size.
func TestShrinkAverages(t *testing.T) {
	for _, side := range []int{100, 257, 1000, 1023} {
		img := image.NewRGBA(image.Rect(0, 0, side, side))
		want := 0
		for y := range side {
			for x := range side {
				v := uint8(255 * (x % 2))
				want += int(v)
				img.SetRGBA(x, y, color.RGBA{v, v, v, 255})
			}
		}
		small, err := shrink(t.Context(), img, img.Bounds(), 32)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, p := range small.Pix {
			got += int(p)
		}
		mean := float64(got-255*32*32) / 3 / 32 / 32
		if diff := mean - float64(want)/float64(side*side); diff < -3 || diff > 3 {
			t.Errorf("side %d: mean %v, want %v", side, mean, float64(want)/float64(side*side))
		}
	}
	// And it is not moved: a picture of one colour stays so to its edges.
	small, err := shrink(t.Context(), quarters(1001, 999), image.Rect(0, 0, 1001, 999), 256)
	if err != nil {
		t.Fatal(err)
	}
	if c := small.RGBAAt(0, 0); c != red {
		t.Errorf("the first pixel is %v", c)
	}
	if c := small.RGBAAt(255, 0); c != green {
		t.Errorf("the last pixel of the first line is %v", c)
	}
}

func TestPlaceholders(t *testing.T) {
	s := New(Limits{})
	for name, want := range map[string]Kind{
		"a.txt": Text, "a.MP3": Audio, "a.mov": Video, "a.tar.gz": Archive, "a.pdf": PDF, "a.jpeg": Image,
		"a": Generic, "": Generic, "a.": Generic, ".txt": Text, "a.exe": Generic, "a.txt ": Generic,
	} {
		if got := KindOf(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
		if img := mustDecode(t, s.Placeholder(want), PNG); img.Bounds().Dx() != 128 {
			t.Errorf("%q is %v", want, img.Bounds())
		}
	}
	if s.Placeholder("nothing") != nil {
		t.Error("there is a placeholder for no kind")
	}
}

func FuzzThumbnail(f *testing.F) {
	for _, name := range []string{"lossy.webp", "lossless.webp", "alpha.webp", "animated.webp", "progressive.jpg", "cmyk.jpg"} {
		f.Add(testdata(f, name))
	}
	f.Add(withEXIF(asJPEG(f, quarters(20, 10)), 6))
	f.Add(asPNG(f, quarters(20, 10)))
	f.Add(asPNG(f, paletted(quarters(20, 10))))
	f.Add(asGIF(f, image.Pt(20, 10), paletted(quarters(20, 10))))
	f.Add(pngOf(60000, 60000, 8, 6))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Small limits keep the fuzzer fast.
		s := New(Limits{Pixels: 1 << 18, Time: 2 * time.Second})
		b, err := s.Thumbnail(t.Context(), file(1, data), Form{PNG, 32})
		if err != nil {
			if !content.Is(err, content.NoPreview) {
				t.Fatalf("an error that is not about the picture: %v", err)
			}
			return
		}
		if size := mustDecode(t, b, PNG).Bounds(); size.Dx() > 32 || size.Dy() > 32 {
			t.Fatalf("a thumbnail of %v", size)
		}
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(binary.LittleEndian, 6))
	f.Add(exif(binary.BigEndian, 3))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o, _ := orientation(data); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		if o, ok := orientation(append([]byte("Exif\x00\x00"), data...)); o < 1 || o > 8 || !ok {
			t.Fatalf("orientation %d, %v", o, ok)
		}
	})
}
