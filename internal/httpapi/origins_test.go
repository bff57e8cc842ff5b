package httpapi

import (
	"crypto/tls"
	"net/http"
	"testing"
)

func TestOriginsOfBoxsHosts(t *testing.T) {
	for _, c := range []struct {
		host                      string
		plain, off                bool
		public                    string
		api, upload, content, app string
	}{
		{
			host: "api.box.com", api: "https://api.box.com/2.0", upload: "https://upload.box.com/api/2.0",
			content: "https://dl.boxcloud.com", app: "https://app.box.com",
		},
		{
			host: "upload.app.box.com", api: "https://api.box.com/2.0", upload: "https://upload.app.box.com/api/2.0",
			content: "https://dl.boxcloud.com", app: "https://app.box.com",
		},
		{
			host: "DL.BoxCloud.com.:8443", api: "https://api.box.com:8443/2.0", upload: "https://upload.box.com:8443/api/2.0",
			content: "https://dl.boxcloud.com:8443", app: "https://app.box.com:8443",
		},
		{
			host: "account.box.com:80", plain: true, api: "http://api.box.com:80/2.0", upload: "http://upload.box.com:80/api/2.0",
			content: "http://dl.boxcloud.com:80", app: "http://app.box.com:80",
		},
		{ // a name of our own
			host: "box.example.org:8443", api: "https://box.example.org:8443/api/2.0", upload: "https://box.example.org:8443/api/2.0",
			content: "https://box.example.org:8443", app: "https://box.example.org:8443",
		},
		{ // below one of Box's is not one of Box's
			host: "x.api.box.com", api: "https://x.api.box.com/api/2.0", upload: "https://x.api.box.com/api/2.0",
			content: "https://x.api.box.com", app: "https://x.api.box.com",
		},
		{ // not asked for
			host: "api.box.com", off: true, api: "https://api.box.com/api/2.0", upload: "https://api.box.com/api/2.0",
			content: "https://api.box.com", app: "https://api.box.com",
		},
		{
			host: "api.box.com", public: "https://files.example.org/box", api: "https://files.example.org/box/api/2.0",
			upload: "https://files.example.org/box/api/2.0", content: "https://files.example.org/box", app: "https://files.example.org/box",
		},
	} {
		r := &http.Request{Host: c.host}
		if !c.plain {
			r.TLS = &tls.ConnectionState{}
		}
		s := &Server{Config: Config{BoxHosts: !c.off, PublicURL: c.public}}
		o := s.origins(r)
		if o.api() != c.api || o.upload() != c.upload || o.content() != c.content || o.app() != c.app {
			t.Errorf("%+v: api %s, upload %s, content %s, app %s", c, o.api(), o.upload(), o.content(), o.app())
		}
	}
}
