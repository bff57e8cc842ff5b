package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	s3Key    = "benchbench"
	s3Secret = "benchbenchbench"
	bucket   = "/bench"
)

// minioTarget is MinIO on one directory.
func minioTarget(binary string) target {
	return s3Target("minio", func(dir, addr, console string) *exec.Cmd {
		cmd := exec.Command(binary, "server", "--quiet", "--address", addr, "--console-address", console, filepath.Join(dir, "data"))
		cmd.Env = append(cmd.Environ(), "MINIO_ROOT_USER="+s3Key, "MINIO_ROOT_PASSWORD="+s3Secret, "MINIO_BROWSER=off", "MINIO_UPDATE=off",
			"HOME="+dir) // its certificates
		return cmd
	})
}

// versitygwTarget is the Versity gateway on one directory.
func versitygwTarget(binary string) target {
	return s3Target("versitygw", func(dir, addr, _ string) *exec.Cmd {
		return exec.Command(binary, "--quiet", "--keep-alive", "--access", s3Key, "--secret", s3Secret, "--port", addr, "posix", dir)
	})
}

func s3Target(name string, command func(dir, addr, console string) *exec.Cmd) target {
	return target{
		name: name,
		start: func(ctx context.Context, dir string, _ int64) (*server, error) {
			addr, err := freeAddr()
			if err != nil {
				return nil, err
			}
			console, err := freeAddr()
			if err != nil {
				return nil, err
			}
			c := newS3("http://"+addr, 1)
			defer c.close()
			return launch(ctx, name, dir, c.url, command(dir, addr, console), func(ctx context.Context) error {
				_, err := c.do(ctx, "PUT", bucket, http.NoBody, 0, 200)
				return err
			})
		},
		sender: func(s *server, conns int) (sender, error) { return newS3(s.url, conns), nil },
	}
}

// s3 speaks S3, with SHA-1s for checksums.
type s3 struct{ *client }

func newS3(url string, conns int) s3 {
	by := &signer{access: s3Key, secret: s3Secret, region: "us-east-1", now: time.Now}
	return s3{newClient(url, conns, nil, func(r *http.Request) {
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		by.sign(r)
	})}
}

// createUpload begins a multipart upload and returns its id.
func (c s3) createUpload(ctx context.Context, key string) (string, error) {
	got, err := c.do(ctx, "POST", key+"?uploads=", http.NoBody, 0, 200, "X-Amz-Checksum-Algorithm", "SHA1")
	if err != nil {
		return "", err
	}
	var made struct {
		XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
		UploadID string   `xml:"UploadId"`
	}
	if err := xml.Unmarshal(got.body, &made); err != nil {
		return "", err
	}
	if made.UploadID == "" {
		return "", fmt.Errorf("no upload id in %s", got.body)
	}
	return made.UploadID, nil
}

func (c s3) begin(ctx context.Context, f *file, name string) (sending, error) {
	key := bucket + "/" + name
	id, err := c.createUpload(ctx, key)
	if err != nil {
		return nil, err
	}
	return &s3Sending{s3: c, f: f, key: key, id: id, tags: make([]string, f.parts())}, nil
}

// s3Sending is a multipart upload.
type s3Sending struct {
	s3
	f       *file
	key, id string
	tags    []string // of the parts that were acknowledged
}

func inBase64(of sum) string { return base64.StdEncoding.EncodeToString(of[:]) }

func (s *s3Sending) part(ctx context.Context, i int) error {
	body, err := s.f.open(i)
	if err != nil {
		return err
	}
	want := s.f.sum(i)
	got, err := s.do(ctx, "PUT", fmt.Sprintf("%s?partNumber=%d&uploadId=%s", s.key, i+1, s.id), body, s.f.length(i), 200,
		"X-Amz-Checksum-Sha1", inBase64(want))
	if err != nil {
		return err
	}
	s.tags[i] = got.header.Get("Etag")
	return sameSum(got, want)
}

// sameSum looks for the SHA-1 in an answer.
func sameSum(got answer, of sum) error {
	if said := got.header.Get("X-Amz-Checksum-Sha1"); said != inBase64(of) {
		return fmt.Errorf("SHA-1 %s was acknowledged as %q", inBase64(of), said)
	}
	return nil
}

// commit wants the SHA-1 of the parts' SHA-1s, which is what S3 has for SHA-1:
// none of these servers computes that of the whole.
func (s *s3Sending) commit(ctx context.Context) error {
	b := bytes.NewBufferString("<CompleteMultipartUpload>")
	all := sha1.New()
	for i, tag := range s.tags {
		of := s.f.sum(i)
		all.Write(of[:])
		fmt.Fprintf(b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag><ChecksumSHA1>%s</ChecksumSHA1></Part>", i+1, strings.ReplaceAll(tag, `"`, "&quot;"), inBase64(of))
	}
	b.WriteString("</CompleteMultipartUpload>")
	got, err := s.do(ctx, "POST", s.key+"?uploadId="+s.id, bytes.NewReader(b.Bytes()), int64(b.Len()), 200)
	if err != nil {
		return err
	}
	// A failure may come behind a 200.
	var made struct {
		XMLName      xml.Name `xml:"CompleteMultipartUploadResult"`
		ChecksumSHA1 string
	}
	if err := xml.Unmarshal(got.body, &made); err != nil {
		return fmt.Errorf("%w: %s", err, got.body)
	}
	if want := fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(all.Sum(nil)), len(s.tags)); made.ChecksumSHA1 != want {
		return fmt.Errorf("the checksum of the whole is %q, not %q", made.ChecksumSHA1, want)
	}
	return nil
}
