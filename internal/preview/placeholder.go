package preview

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"path"
	"strings"
	"sync"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Kind sorts files for the sake of their placeholders.
type Kind string

// The kinds of file that have a placeholder of their own, and all others.
const (
	Generic Kind = "file"
	Text    Kind = "text"
	Image   Kind = "image"
	Audio   Kind = "audio"
	Video   Kind = "video"
	Archive Kind = "archive"
	PDF     Kind = "pdf"
)

var looks = map[Kind]struct {
	label      string
	colour     color.RGBA
	extensions string // separated by spaces
}{
	Generic: {"FILE", color.RGBA{0x80, 0x86, 0x8c, 0xff}, ""},
	Text:    {"TEXT", color.RGBA{0x3b, 0x6e, 0xb5, 0xff}, "txt md csv tsv log json xml html htm css js go py java c h rtf doc docx odt"},
	Image:   {"IMAGE", color.RGBA{0x2f, 0x8f, 0x5b, 0xff}, "jpg jpeg png gif webp bmp tif tiff svg heic avif ico psd"},
	Audio:   {"AUDIO", color.RGBA{0x9a, 0x4f, 0xb0, 0xff}, "mp3 wav flac ogg oga opus m4a aac aiff wma mid"},
	Video:   {"VIDEO", color.RGBA{0xc4, 0x6a, 0x1b, 0xff}, "mp4 m4v mov avi mkv webm mpg mpeg wmv flv 3gp"},
	Archive: {"ZIP", color.RGBA{0x8a, 0x6d, 0x3b, 0xff}, "zip tar gz tgz bz2 xz zst 7z rar jar iso"},
	PDF:     {"PDF", color.RGBA{0xb9, 0x2c, 0x28, 0xff}, "pdf ps ai"},
}

// KindOf sorts a file by its name.
func KindOf(name string) Kind {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	for kind, look := range looks {
		for known := range strings.FieldsSeq(look.extensions) {
			if ext == known {
				return kind
			}
		}
	}
	return Generic
}

// Placeholder is a PNG to show for a kind of file until, or because, there is
// nothing better. Nil is for kinds that are none.
func (s *Service) Placeholder(k Kind) []byte { return s.placeholders()[k] }

// drawPlaceholders draws them when the first is asked for.
func drawPlaceholders() func() map[Kind][]byte {
	return sync.OnceValue(func() map[Kind][]byte {
		drawn := map[Kind][]byte{}
		for kind, look := range looks {
			var out bytes.Buffer
			if err := png.Encode(&out, drawPage(look.label, look.colour)); err != nil {
				panic(err) // a buffer takes everything, and the picture is ours
			}
			drawn[kind] = out.Bytes()
		}
		return drawn
	})
}

// drawPage draws a sheet of paper with a folded corner and a label.
func drawPage(label string, colour color.RGBA) image.Image {
	const side, left, top, right, bottom, fold = 128, 24, 8, 104, 120, 24
	page := image.NewRGBA(image.Rect(0, 0, side, side))
	edge := color.RGBA{0xc4, 0xc9, 0xce, 0xff}
	for y := top; y < bottom; y++ {
		for x := left; x < right; x++ {
			beyond := (x - (right - fold)) - (y - top) // of the fold, to its upper right
			switch {
			case beyond > 0:
			case x < left+2 || x >= right-2 || y < top+2 || y >= bottom-2 || beyond > -2:
				page.SetRGBA(x, y, edge)
			case x >= right-fold && y < top+fold:
				page.SetRGBA(x, y, color.RGBA{0xe6, 0xe9, 0xec, 0xff})
			default:
				page.SetRGBA(x, y, color.RGBA{0xff, 0xff, 0xff, 0xff})
			}
		}
	}
	draw.Draw(page, image.Rect(12, 68, 116, 104), image.NewUniform(colour), image.Point{}, draw.Src)
	face := basicfont.Face7x13
	small := image.NewRGBA(image.Rect(0, 0, len(label)*face.Advance, face.Height))
	d := font.Drawer{Dst: small, Src: image.White, Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(label)
	const larger = 2
	w, h := small.Bounds().Dx()*larger, small.Bounds().Dy()*larger
	at := image.Rect(0, 0, w, h).Add(image.Pt((side-w)/2, 68+(36-h)/2))
	draw.NearestNeighbor.Scale(page, at, small, small.Bounds(), draw.Over, nil)
	return page
}
