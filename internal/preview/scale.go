package preview

import (
	"context"
	"image"

	"golang.org/x/image/draw"
)

// fit is the size that a picture has inside a square, pixels.
func fit(width, height, side int) (w, h int) {
	longest := max(width, height)
	if longest <= side {
		return width, height
	}
	scaled := func(n int) int { return max(1, (n*side+longest/2)/longest) }
	return scaled(width), scaled(height)
}

// scaling is what shrink and encode take beside the picture, bytes: a line of
// it, a copy of less than twice the preview's width and height, the preview,
// upright and on paper, and its encoding.
func scaling(h head, form Form) int64 {
	w, height := fit(h.width, h.height, form.Side)
	return 4*int64(h.width) + int64(w*height)*4*(4+1+1+1+1)
}

// shrink draws what is in bounds, which img may not fill, so that it fits in a
// square. It averages whole pixels down to less than twice the size that is
// wanted, line by line so that it needs no memory to speak of and sees ctx
// end, and leaves the fraction that remains to a library.
func shrink(ctx context.Context, img image.Image, bounds image.Rectangle, side int) (*image.RGBA, error) {
	w, h := fit(bounds.Dx(), bounds.Dy(), side)
	averaged, err := average(ctx, img, bounds, bounds.Dx()/(bounds.Dx()/w), bounds.Dy()/(bounds.Dy()/h))
	if err != nil || averaged.Bounds().Dx() == w && averaged.Bounds().Dy() == h {
		return averaged, err
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(small, small.Bounds(), averaged, averaged.Bounds(), draw.Src, nil)
	return small, nil
}

// average makes a picture of w by h pixels, each the mean of those of img that
// it stands for; there are as many of them or more.
func average(ctx context.Context, img image.Image, bounds image.Rectangle, w, h int) (*image.RGBA, error) {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	line := image.NewRGBA(image.Rect(0, 0, bounds.Dx(), 1))
	sums := make([]uint32, 4*w)
	for y := range h {
		top, bottom := y*bounds.Dy()/h, (y+1)*bounds.Dy()/h
		clear(sums)
		for at := top; at < bottom; at++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			clear(line.Pix) // where img has nothing, nothing is drawn
			draw.Draw(line, line.Bounds(), img, bounds.Min.Add(image.Pt(0, at)), draw.Src)
			for x := range w {
				sum := sums[4*x : 4*x+4 : 4*x+4]
				pix := line.Pix[4*(x*bounds.Dx()/w) : 4*((x+1)*bounds.Dx()/w)]
				for ; len(pix) >= 4; pix = pix[4:] {
					sum[0] += uint32(pix[0])
					sum[1] += uint32(pix[1])
					sum[2] += uint32(pix[2])
					sum[3] += uint32(pix[3])
				}
			}
		}
		for x := range w {
			n := uint32((bottom - top) * ((x+1)*bounds.Dx()/w - x*bounds.Dx()/w))
			to := out.Pix[out.PixOffset(x, y):]
			for c := range 4 {
				to[c] = uint8((sums[4*x+c] + n/2) / n)
			}
		}
	}
	return out, nil
}

// turn sets a picture upright whose camera was held as orientation says (EXIF,
// tag 0x0112).
func turn(img *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return img
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			var from image.Point
			switch orientation {
			case 2: // mirrored
				from = image.Pt(w-1-x, y)
			case 3: // upside down
				from = image.Pt(w-1-x, h-1-y)
			case 4:
				from = image.Pt(x, h-1-y)
			case 5:
				from = image.Pt(y, x)
			case 6: // its top is on the right
				from = image.Pt(y, h-1-x)
			case 7:
				from = image.Pt(w-1-y, h-1-x)
			case 8:
				from = image.Pt(w-1-y, x)
			}
			out.SetRGBA(x, y, img.RGBAAt(from.X, from.Y))
		}
	}
	return out
}
