package preview

import (
	"bufio"
	"encoding/binary"
	"io"
)

// moreJPEG walks over the segments in front of the picture itself: EXIF says
// how the camera was held, and the frame how much memory decoding takes. If it
// loses its way, the picture is one that takes the most.
func moreJPEG(r *bufio.Reader, h *head) {
	h.memory = h.pixels() * (4 + 4*4 + 4)
	r.Discard(2) // start of image; if it fails, so does what follows
	sawEXIF, plain := false, false
	for {
		marker, body, err := segment(r)
		if err != nil {
			return
		}
		switch {
		case marker == 0xe1 && !sawEXIF:
			if o, ok := orientation(body); ok {
				h.orientation, sawEXIF = o, true
			}
		case marker == 0xee && len(body) >= 12 && string(body[:5]) == "Adobe":
			plain = body[11] == 0 // no transform: the components are RGB or CMYK
		case marker >= 0xc0 && marker <= 0xc2:
			if bytes, ok := frameBytes(marker, body, plain); ok {
				h.memory = int64(bytes * float64(h.pixels()))
			}
			return
		case marker == 0xda: // the picture, and no frame before it
			return
		}
	}
}

// segment reads a marker and what is behind it, nil for markers that stand alone.
func segment(r *bufio.Reader) (marker byte, body []byte, err error) {
	for before := byte(0); marker == 0; {
		b, err := r.ReadByte()
		if err != nil {
			return 0, nil, err
		}
		if before == 0xff && b != 0xff { // 0xff may be repeated, and 0xff 0x00 is no marker
			marker = b
		}
		before = b
	}
	if marker == 0x01 || marker >= 0xd0 && marker <= 0xd9 {
		return marker, nil, nil
	}
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint16(length[:])) - 2
	if n < 0 {
		return 0, nil, io.ErrUnexpectedEOF
	}
	body = make([]byte, n)
	_, err = io.ReadFull(r, body)
	return marker, body, err
}

// frameBytes is what image/jpeg takes for a pixel of a frame: a byte for each
// sample; four for each coefficient of a progressive picture, which it keeps
// all of; and a copy of four bytes of what is not YCbCr.
func frameBytes(marker byte, frame []byte, plain bool) (bytes float64, ok bool) {
	if len(frame) < 6 {
		return 0, false
	}
	n := int(frame[5])
	if n < 1 || n > 4 || len(frame) < 6+3*n {
		return 0, false
	}
	component := func(i int) (id, h, v byte) { return frame[6+3*i], frame[7+3*i] >> 4, frame[7+3*i] & 15 }
	samples := float64(n)
	r, h, v := component(0)
	g, h1, v1 := component(min(1, n-1))
	b, h2, v2 := component(min(2, n-1))
	if n == 3 && h*v > 0 && h1*v1 == 1 && h2*v2 == 1 {
		samples = 1 + 2/float64(h*v)
	}
	bytes = samples
	if marker == 0xc2 {
		bytes += 4 * samples
	}
	if n == 4 || n == 3 && (plain || r == 'R' && g == 'G' && b == 'B') {
		bytes += 4
	}
	return bytes, true
}

// orientation reads an APP1 segment. ok says that it is EXIF; orientation is 1
// unless it says otherwise in the one form that the standard knows.
func orientation(app1 []byte) (o int, ok bool) {
	const magic = "Exif\x00\x00"
	if len(app1) < len(magic) || string(app1[:len(magic)]) != magic {
		return 1, false
	}
	tiff := app1[len(magic):]
	if len(tiff) < 8 {
		return 1, true
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1, true
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1, true
	}
	const entry, tag, short = 12, 0x0112, 3
	dir := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(dir) < entry {
			break
		}
		if order.Uint16(dir) == tag {
			v := int(order.Uint16(dir[8:]))
			if order.Uint16(dir[2:]) == short && order.Uint32(dir[4:]) == 1 && v >= 1 && v <= 8 {
				return v, true
			}
			break
		}
		dir = dir[entry:]
	}
	return 1, true
}
