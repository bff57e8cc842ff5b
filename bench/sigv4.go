package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// signer signs requests by AWS Signature Version 4, for S3. What a body's hash
// is has to be in X-Amz-Content-Sha256; UNSIGNED-PAYLOAD spares the hashing.
type signer struct {
	access, secret, region string
	now                    func() time.Time

	mu  sync.Mutex
	day string
	key []byte // derived for that day
}

const signed = "AWS4-HMAC-SHA256"

// sign signs the Host header and all that are set by now.
func (s *signer) sign(r *http.Request) {
	now := s.now().UTC()
	stamp := now.Format("20060102T150405Z")
	day := stamp[:8]
	r.Header.Set("X-Amz-Date", stamp)

	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	names, values := []string{"host"}, map[string]string{"host": host}
	for name, v := range r.Header {
		name = strings.ToLower(name)
		names = append(names, name)
		values[name] = strings.Join(v, ",")
	}
	slices.Sort(names)
	var canonical strings.Builder
	canonical.WriteString(r.Method + "\n" + escape(r.URL.Path, "/") + "\n" + canonicalQuery(r.URL.Query()) + "\n")
	for _, name := range names {
		canonical.WriteString(name + ":" + strings.TrimSpace(values[name]) + "\n")
	}
	list := strings.Join(names, ";")
	canonical.WriteString("\n" + list + "\n" + r.Header.Get("X-Amz-Content-Sha256"))

	scope := day + "/" + s.region + "/s3/aws4_request"
	hash := sha256.Sum256([]byte(canonical.String()))
	signature := mac(s.keyOf(day), signed+"\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(hash[:]))
	r.Header.Set("Authorization", signed+" Credential="+s.access+"/"+scope+",SignedHeaders="+list+",Signature="+hex.EncodeToString(signature))
}

func (s *signer) keyOf(day string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.day != day {
		s.day, s.key = day, mac(mac(mac(mac([]byte("AWS4"+s.secret), day), s.region), "s3"), "aws4_request")
	}
	return s.key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, v := range values {
			pairs = append(pairs, escape(name, "")+"="+escape(v, ""))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape leaves only unreserved characters and those in keep as they are.
func escape(s, keep string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
		}
	}
	return b.String()
}
