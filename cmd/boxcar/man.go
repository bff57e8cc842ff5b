package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type manCmd struct {
	Command []string `arg:"" optional:"" help:"The command that the page is about; without it the page is about all of boxcar."`
	Out     string   `short:"o" type:"path" placeholder:"DIR" help:"Write all pages into this folder."`
}

// Help is what boxcar man --help adds.
func (manCmd) Help() string { return `To read one: boxcar man up | man -l -` }

func (m manCmd) Run(k *kong.Kong, s streams) error {
	root := k.Model.Node
	if m.Out != "" {
		if len(m.Command) > 0 {
			return misuse{fmt.Errorf("--out writes all pages, not that of %s", m.Command[0])}
		}
		if err := os.MkdirAll(m.Out, 0o777); err != nil {
			return err
		}
		return writePages(m.Out, root)
	}
	n := root
	for _, word := range m.Command {
		below := n
		for _, child := range visible(n.Children) {
			if child.Name == word {
				below = child
			}
		}
		if below == n {
			return misuse{fmt.Errorf("there is no command %s", strings.Join(m.Command, " "))}
		}
		n = below
	}
	return manPage(s.Out, n)
}

// writePages writes the page of a node, and those of all below it.
func writePages(dir string, n *kong.Node) error {
	f, err := os.Create(filepath.Join(dir, pageName(n)+".1"))
	if err != nil {
		return err
	}
	if err := manPage(f, n); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for _, child := range visible(n.Children) {
		if err := writePages(dir, child); err != nil {
			return err
		}
	}
	return nil
}

// pageName is such as boxcar-user-add.
func pageName(n *kong.Node) string {
	if n.Parent == nil {
		return "boxcar"
	}
	return pageName(n.Parent) + "-" + n.Name
}

// manPage writes a page in the man macros.
func manPage(w io.Writer, n *kong.Node) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" %s \"boxcar\"\n", roff(strings.ToUpper(pageName(n))), roffQuoted("boxcar "+versionText()))
	help := n.Help
	if n.Parent == nil {
		help = "the Box content API that you can run yourself"
	}
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(n)), roff(lowerFirst(strings.TrimSuffix(help, "."))))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n%s\n", roff(strings.ReplaceAll(pageName(n), "-", " ")), roff(synopsis(n)))
	detail := n.Detail
	if n.DefaultCmd != nil && detail == "" {
		detail = n.DefaultCmd.Detail
	}
	if n.Parent == nil {
		detail = "boxcar serves the API of Box's content from a directory, and moves files to such servers and to Box. Results go to the standard output, everything else to the standard error."
	}
	if detail != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", roffText(detail))
	}
	if children := visible(n.Children); len(children) > 0 {
		b.WriteString(".SH COMMANDS\n")
		title := ""
		for _, child := range children {
			if g := child.Group; n.Parent == nil && g != nil && g.Title != title {
				title = g.Title
				fmt.Fprintf(&b, ".SS %s\n", roff(strings.TrimSuffix(title, ":")))
			}
			fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(pageName(child)), roff(child.Help))
		}
	}
	for _, p := range n.Positional {
		if p == n.Positional[0] {
			b.WriteString(".SH ARGUMENTS\n")
		}
		fmt.Fprintf(&b, ".TP\n.I %s\n%s\n", roff(p.Name), roff(p.Help))
	}
	if n.Parent == nil {
		b.WriteString(manPlaces)
	} else if slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return !f.Hidden }) {
		b.WriteString(".SH OPTIONS\n")
		manFlags(&b, n)
	}
	b.WriteString(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong use, 130 interrupted.\n")
	if n.Parent != nil {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(pageName(n.Parent)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// manPlaces is what all commands have in common.
const manPlaces = `.SH ENVIRONMENT
.TP
.B BOXCAR_URL
The server: the address of a boxcar, or box for Box itself.
.TP
.B BOXCAR_TOKEN
The token for it. There is no flag for that, since others on the machine see flags.
.TP
.B BOXCAR_PROFILE
The login to use, by the name that boxcar login has given it.
.TP
.B NO_COLOR
If it is set, nothing has colours.
.TP
.B SSL_CERT_FILE
Certificates of authorities to trust, where the system does not have its own way.
.PP
Many flags have a variable of their own; their pages name it.
.SH FILES
.TP
.I ~/.config/boxcar
Logins. BOXCAR_CONFIG is another place.
.TP
.I ~/.local/state/boxcar
Notes of uploads that are not finished. BOXCAR_STATE is another place.
`

func manFlags(b *strings.Builder, n *kong.Node) {
	title := ""
	for _, f := range n.Flags {
		if f.Hidden {
			continue
		}
		if f.Group != nil && f.Group.Title != title {
			title = f.Group.Title
			fmt.Fprintf(b, ".SS %s\n", roff(strings.TrimSuffix(title, ":")))
		}
		b.WriteString(".TP\n")
		name := `\fB` + roff("--"+f.Name) + `\fR`
		if f.Short != 0 {
			name = `\fB` + roff("-"+string(f.Short)) + `\fR, ` + name
		}
		if !f.IsBool() {
			name += ` \fI` + roff(f.FormatPlaceHolder()) + `\fR`
		}
		text := f.Help
		for _, env := range f.Tag.Envs {
			text += " Also by $" + env + "."
		}
		fmt.Fprintf(b, "%s\n%s\n", name, roff(text))
	}
}

// synopsis is what stands behind the command.
func synopsis(n *kong.Node) string {
	words := []string{}
	if len(n.Children) > 0 {
		words = append(words, "COMMAND")
	}
	if n.Parent != nil {
		words = append(words, "[FLAG]...")
	}
	for _, p := range n.Positional {
		words = append(words, p.Summary())
	}
	return strings.Join(words, " ")
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// roffText writes paragraphs, and lines that begin with a tab as they are.
func roffText(text string) string {
	var b strings.Builder
	for block := range strings.SplitSeq(text, "\n\n") {
		if b.Len() > 0 {
			b.WriteString(".PP\n")
		}
		if !strings.HasPrefix(block, "\t") {
			b.WriteString(roff(block) + "\n")
			continue
		}
		b.WriteString(".nf\n.RS\n")
		for line := range strings.SplitSeq(block, "\n") {
			b.WriteString(roff(strings.TrimPrefix(line, "\t")) + "\n")
		}
		b.WriteString(".RE\n.fi\n")
	}
	return b.String()
}

// roff makes a text one that no macro comes out of.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func roffQuoted(s string) string { return `"` + strings.ReplaceAll(roff(s), `"`, `""`) + `"` }
