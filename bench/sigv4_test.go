package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The examples are those of the S3 API reference, "Signature Calculations for
// the Authorization Header".
func TestSignsTheExamplesOfTheReference(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, example := range []struct {
		method, url, sha256, signature string
		headers                        []string
	}{
		{"GET", "https://examplebucket.s3.amazonaws.com/test.txt", empty,
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", []string{"Range", "bytes=0-9"}},
		{"PUT", "https://examplebucket.s3.amazonaws.com/test$file.text", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
			[]string{"Date", "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY"}},
		{"GET", "https://examplebucket.s3.amazonaws.com/?lifecycle", empty,
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", nil},
		{"GET", "https://examplebucket.s3.amazonaws.com/?prefix=J&max-keys=2", empty,
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", nil},
	} {
		r, err := http.NewRequest(example.method, example.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", example.sha256)
		for i := 0; i < len(example.headers); i += 2 {
			r.Header.Set(example.headers[i], example.headers[i+1])
		}
		s := &signer{access: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region: "us-east-1",
			now: func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }}
		s.sign(r)
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, ",Signature="+example.signature) {
			t.Errorf("%s %s: %s, want the signature %s", example.method, example.url, got, example.signature)
		}
	}
}
