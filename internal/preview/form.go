package preview

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"

	"boxcar/internal/content"
)

// Type is the format that a preview comes in.
type Type string

// The types, by their extensions.
const (
	JPEG Type = "jpg"
	PNG  Type = "png"
)

// Form is one form of a picture: it fits in a square, with its proportions as
// they are, and is never larger than the picture.
type Form struct {
	Type Type
	Side int // of the square, pixels
}

// thumbSides are the sides of thumbnails, by type. As representations there are
// more: every thumbnail's side in both types, and two large ones.
var (
	thumbSides = map[Type][]int{JPEG: {32, 94, 160, 320}, PNG: {32, 64, 128, 256}}
	allSides   = []int{32, 64, 94, 128, 160, 256, 320, 1024, 2048}
)

// Forms are all there are, the small ones of each type first.
func Forms() (all []Form) {
	for _, t := range []Type{JPEG, PNG} {
		for _, side := range allSides {
			all = append(all, Form{t, side})
		}
	}
	return all
}

// Thumb says whether the form is small enough for a list of files.
func (f Form) Thumb() bool { return f.Side <= mostWish }

// Bounds are what a caller wants of a thumbnail's square; 0 is no wish.
type Bounds struct{ MinWidth, MinHeight, MaxWidth, MaxHeight int }

// Wishes are for sides of this many pixels.
const (
	leastWish = 32
	mostWish  = 320
)

// Choose picks the thumbnail for a caller's bounds: the smallest that is large
// enough or, if nobody said what is, the largest that is small enough. Where
// there is none it is a content.PreviewSize error.
func Choose(t Type, b Bounds) (Form, error) {
	for _, wish := range []int{b.MinWidth, b.MinHeight, b.MaxWidth, b.MaxHeight} {
		if wish != 0 && (wish < leastWish || wish > mostWish) {
			return Form{}, content.Errorf(content.PreviewSize, "thumbnails are for %d to %d pixels, not for %d", leastWish, mostWish, wish)
		}
	}
	least, most := max(b.MinWidth, b.MinHeight), mostWish
	for _, wish := range []int{b.MaxWidth, b.MaxHeight} {
		if wish != 0 {
			most = min(most, wish)
		}
	}
	var fit []int
	for _, side := range thumbSides[t] {
		if side >= least && side <= most {
			fit = append(fit, side)
		}
	}
	switch {
	case len(fit) == 0:
		return Form{}, content.Errorf(content.PreviewSize, "%s thumbnails have %v pixels, and none of them is from %d to %d", t, thumbSides[t], least, most)
	case least > 0:
		return Form{t, fit[0]}, nil
	}
	return Form{t, fit[len(fit)-1]}, nil
}

// encode writes a preview. JPEG has no transparency: white shows through.
func (t Type) encode(img *image.RGBA) ([]byte, error) {
	var out bytes.Buffer
	if t == PNG {
		err := png.Encode(&out, img)
		return out.Bytes(), err
	}
	if !img.Opaque() {
		paper := image.NewRGBA(img.Bounds())
		draw.Draw(paper, paper.Bounds(), image.White, image.Point{}, draw.Src)
		draw.Draw(paper, paper.Bounds(), img, img.Bounds().Min, draw.Over)
		img = paper
	}
	err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 85})
	return out.Bytes(), err
}
