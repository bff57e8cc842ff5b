package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"boxcar/internal/daemon"
)

type caCmd struct {
	dataFlag `embed:""`
	Name     []string `placeholder:"HOST" help:"Host names and addresses of the server that it is for, too."`
}

// Help is what boxcar ca --help adds.
func (caCmd) Help() string {
	return `Makes a certificate authority in the folder ca of the data directory, or shows the one that is there, and prints how to trust it and which lines make Box's host names lead to this machine. It changes nothing outside the data directory. What it signs is for the hosts of box.com and boxcloud.com, this machine and the names given, and nothing else: clients refuse the rest. boxcar serve --box-hosts uses it.`
}

// Validate refuses what is no name.
func (c caCmd) Validate() error {
	for _, name := range c.Name {
		if err := daemon.CheckName(name); err != nil {
			return err
		}
	}
	return nil
}

func (c caCmd) Run(io streams) error {
	ca, err := daemon.OpenCA(c.Data, c.Name, time.Now())
	if errors.Is(err, daemon.ErrOtherNames) {
		return hinted{err, "what is trusted can't be changed: remove that folder, run this again with all names, and have the new one trusted"}
	}
	if err != nil {
		return err
	}
	w := new(strings.Builder)
	if ca.Made {
		fmt.Fprintf(w, "A certificate authority was made. It is good until %s, its key is in the same folder, and nothing trusts it yet.\n\n", ca.Until.Format(time.DateOnly))
	} else {
		fmt.Fprintf(w, "The certificate authority is good until %s.\n\n", ca.Until.Format(time.DateOnly))
	}
	fmt.Fprintf(w, "  certificate  %s\n  speaks for   %s\n\n", ca.File, strings.Join(ca.Names, ", "))
	fmt.Fprint(w, "What follows is for you to do, where you want it. Nothing of it has been done.\n\n")
	fmt.Fprint(w, trustLines(ca.File))
	fmt.Fprint(w, "\nLead Box's hosts to this machine, in /etc/hosts (Windows: C:\\Windows\\System32\\drivers\\etc\\hosts):\n\n")
	for _, host := range daemon.BoxHosts {
		fmt.Fprintf(w, "  127.0.0.1 %s\n", host)
	}
	fmt.Fprintf(w, "\nAnd answer as them, on the port that such clients use:\n\n  boxcar serve --data %s --box-hosts --listen 127.0.0.1:443\n", quoteShell(c.Data))
	fmt.Fprint(w, "\nWhile the lines are there, nothing on this machine reaches Box itself.\n")
	if c.remote() {
		fmt.Fprint(w, "For other machines, put this one's address into their lines, and into --listen.\n")
	}
	_, err = fmt.Fprint(io.Out, w)
	return err
}

// remote says whether a name is for use from other machines.
func (c caCmd) remote() bool {
	for _, name := range c.Name {
		if ip := net.ParseIP(name); ip == nil || !ip.IsLoopback() {
			return true
		}
	}
	return false
}

// trustLines say how to trust the certificate in a file: for all programs of a
// system, or for one. Those for one program do no harm to others.
func trustLines(file string) string {
	q := quoteShell(file)
	var w strings.Builder
	for _, way := range []struct{ who, line string }{
		{"one program:", ""},
		{"curl", "export CURL_CA_BUNDLE=" + q},
		{"rclone", "rclone --ca-cert " + q + " ..."},
		{"Node", "export NODE_EXTRA_CA_CERTS=" + q},
		{"Python requests", "export REQUESTS_CA_BUNDLE=" + q},
		{"OpenSSL, Go, Ruby", "export SSL_CERT_FILE=" + q},
		{"Java", "keytool -importcert -cacerts -storepass changeit -noprompt -alias boxcar -file " + q},
		{"all programs:", ""},
		{"Debian, Ubuntu", "sudo install -m 644 " + q + " /usr/local/share/ca-certificates/boxcar.crt && sudo update-ca-certificates"},
		{"macOS", "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain " + q},
		{"Windows", `certutil -addstore -f Root "` + strings.ReplaceAll(file, `"`, "") + `"`},
	} {
		if way.line == "" {
			fmt.Fprintf(&w, "Trust it in %s\n\n", way.who)
			continue
		}
		fmt.Fprintf(&w, "  %-18s %s\n", way.who, way.line)
		if way.who == "Java" {
			w.WriteByte('\n')
		}
	}
	return w.String()
}
