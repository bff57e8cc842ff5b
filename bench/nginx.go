package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// nginxConfig is sendfile and nothing that is not needed.
const nginxConfig = `daemon off;
%USER%
worker_processes auto;
pid %DIR%/pid;
error_log %DIR%/error.log;
events { worker_connections 256; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 1000000;
	default_type application/octet-stream;
	client_body_temp_path %DIR%/body;
	proxy_temp_path %DIR%/proxy;
	fastcgi_temp_path %DIR%/fastcgi;
	uwsgi_temp_path %DIR%/uwsgi;
	scgi_temp_path %DIR%/scgi;
	server {
		listen %PLAIN%;
		listen %TLS% ssl;
		ssl_certificate %CERT%;
		ssl_certificate_key %KEY%;
		root %DIR%/www;
	}
}
`

// startNginx starts nginx on the file, which it has as /file.
func startNginx(ctx context.Context, binary, dir string, f *file, pair certificate) (*server, origin, error) {
	var o origin
	if err := f.write(filepath.Join(dir, "www", "file")); err != nil {
		return nil, o, err
	}
	plain, err := freeAddr()
	if err != nil {
		return nil, o, err
	}
	secure, err := freeAddr()
	if err != nil {
		return nil, o, err
	}
	who := ""
	if os.Getuid() == 0 {
		who = "user root;" // the file is in a directory of ours
	}
	config := strings.NewReplacer("%USER%", who, "%DIR%", dir, "%PLAIN%", plain, "%TLS%", secure, "%CERT%", pair.cert, "%KEY%", pair.key).Replace(nginxConfig)
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		return nil, o, err
	}
	s, err := launch(ctx, "nginx", dir, "http://"+plain, exec.Command(binary, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", name), listening(plain))
	if err != nil {
		return nil, o, err
	}
	at := func(context.Context, *client) (string, error) { return "/file", nil }
	return s, origin{server: s, plain: "http://" + plain, tls: "https://" + secure, at: at}, nil
}

// write puts the file on disk as a whole.
func (f *file) write(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	w, err := os.Create(name)
	if err != nil {
		return err
	}
	defer w.Close()
	for i := range f.parts() {
		if _, err := w.Write(f.bytesOf(i, f.length(i))); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
	}
	return w.Sync()
}
