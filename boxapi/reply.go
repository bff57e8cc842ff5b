package boxapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
)

// DecodeReply reads the JSON body of a reply. It differs from json.Unmarshal in
// one thing: whole numbers that were written with an exponent, as Box has been
// seen to write sizes ("1.2E10"), are read as what they are.
func DecodeReply(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) || !strings.HasPrefix(mismatch.Value, "number") {
		return err
	}
	plain, ok := withoutExponents(data)
	if !ok {
		return err
	}
	return json.Unmarshal(plain, into)
}

// withoutExponents writes whole numbers of at most 18 digits in plain digits.
func withoutExponents(data []byte) ([]byte, bool) {
	var out bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	last := 0
	changed := false
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false
		}
		number, ok := token.(json.Number)
		if !ok || !strings.ContainsAny(string(number), "eE.") {
			continue
		}
		// Rat would make a number of a million digits of "1e1000000".
		f, _, err := big.ParseFloat(string(number), 10, 128, big.ToNearestEven)
		if err != nil || !f.IsInt() || f.MantExp(nil) > 60 {
			continue
		}
		end := int(dec.InputOffset())
		start := end - len(number)
		out.Write(data[last:start])
		out.WriteString(f.Text('f', 0))
		last, changed = end, true
	}
	out.Write(data[last:])
	return out.Bytes(), changed
}
