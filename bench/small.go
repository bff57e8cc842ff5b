package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
)

const (
	smallSize    = 4096 // bytes
	smallClients = 32
)

// smallFile is the content of all small files; their names differ.
var smallFile = func() []byte {
	b := make([]byte, smallSize)
	rand.NewChaCha8([32]byte{8}).Read(b)
	return b
}()

// smallFiles is a load: small files, each in one request, by many clients.
func (b *bench) smallFiles(name string, targets ...string) contest {
	c := contest{name: name, figures: []figure{perSecond, cpuEach, userEach, systemEach, ownEach, peak}, ratios: []figure{perSecond, cpuEach}}
	for _, of := range targets {
		t, ok := b.targets[of]
		if !ok {
			continue
		}
		c.contestants = append(c.contestants, b.served(t, of, 0, func(ctx context.Context, s *server, _ int) (sample, error) {
			to, err := t.sender(s, smallClients)
			if err != nil {
				return nil, err
			}
			defer to.close()
			whole := sha1.Sum(smallFile)
			return storm{clients: smallClients, time: b.spell}.measure(ctx, s, 0, func(ctx context.Context, i int) error {
				return to.(smallSender).put(ctx, fmt.Sprintf("small-%d", i), smallFile, whole)
			})
		}))
	}
	return c
}

// smallSender sends a file in one request.
type smallSender interface {
	put(ctx context.Context, name string, b []byte, of sum) error
}

func (c floorSender) put(ctx context.Context, name string, b []byte, of sum) error {
	got, err := c.do(ctx, "POST", "/file/"+name, bytes.NewReader(b), int64(len(b)), 200)
	if err != nil {
		return err
	}
	return c.check(got.body, int64(len(b)), of)
}

func (c boxcar) put(ctx context.Context, name string, b []byte, of sum) error {
	const boundary = "boundary-of-the-bench"
	var form bytes.Buffer
	form.Grow(len(b) + 1024)
	fmt.Fprintf(&form, "--%s\r\nContent-Disposition: form-data; name=\"attributes\"\r\n\r\n{\"name\":%q,\"parent\":{\"id\":\"0\"}}\r\n", boundary, name)
	fmt.Fprintf(&form, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\nContent-Type: application/octet-stream\r\n\r\n", boundary, name)
	form.Write(b)
	fmt.Fprintf(&form, "\r\n--%s--\r\n", boundary)
	got, err := c.do(ctx, "POST", "/2.0/files/content", bytes.NewReader(form.Bytes()), int64(form.Len()), 201,
		"Content-Type", "multipart/form-data; boundary="+boundary, "Content-MD5", fmt.Sprintf("%x", of)) // Box's MD5 is a SHA-1
	if err != nil {
		return err
	}
	_, err = madeFile(got.body, int64(len(b)), of)
	return err
}

func (c s3) put(ctx context.Context, name string, b []byte, of sum) error {
	got, err := c.do(ctx, "PUT", bucket+"/"+name, bytes.NewReader(b), int64(len(b)), 200, "X-Amz-Checksum-Sha1", inBase64(of))
	if err != nil {
		return err
	}
	return sameSum(got, of)
}
