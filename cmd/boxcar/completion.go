package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what boxcar completion --help adds.
func (completionCmd) Help() string {
	return `In bash: source <(boxcar completion bash), in ~/.bashrc. In zsh: the same with zsh, in ~/.zshrc behind compinit. In fish: boxcar completion fish > ~/.config/fish/completions/boxcar.fish`
}

func (c completionCmd) Run(k *kong.Kong, s streams) error {
	words := commandWords(k.Model.Node, nil)
	switch c.Shell {
	case "bash":
		return bashCompletion(s.Out, words)
	case "zsh":
		return zshCompletion(s.Out, words)
	default:
		return fishCompletion(s.Out, words)
	}
}

// commandWord is what may stand behind a command.
type commandWord struct {
	path  string // "", "up", "user add"
	flags []*kong.Flag
	below []*kong.Node
	files bool // names of files may stand there
}

// commandWords are those of a node and of all below it.
func commandWords(n *kong.Node, path []string) []commandWord {
	w := commandWord{path: strings.Join(path, " "), below: visible(n.Children)}
	var nodes []*kong.Node
	nodes = append(nodes, n)
	if n.DefaultCmd != nil {
		nodes = append(nodes, n.DefaultCmd)
	}
	for _, from := range nodes {
		for _, f := range from.Flags {
			if !f.Hidden {
				w.flags = append(w.flags, f)
			}
		}
		for _, p := range from.Positional {
			w.files = w.files || p.Name == "file" || p.Name == "source"
		}
	}
	all := []commandWord{w}
	for _, child := range w.below {
		all = append(all, commandWords(child, append(slices.Clone(path), child.Name))...)
	}
	return all
}

func visible(nodes []*kong.Node) []*kong.Node {
	return slices.DeleteFunc(slices.Clone(nodes), func(n *kong.Node) bool { return n.Hidden || n.Type != kong.CommandNode })
}

// flagWords are the flags as they are typed, with --no- where there is one.
func flagWords(w commandWord) []string {
	words := []string{"--help"}
	for _, f := range w.flags {
		if f.Name != "help" {
			words = append(words, "--"+f.Name)
		}
	}
	return words
}

func (w commandWord) names() []string {
	var names []string
	for _, n := range w.below {
		names = append(names, n.Name)
	}
	return names
}

// takesFile says whether the value of a flag is the name of a file.
func takesFile(f *kong.Flag) bool {
	return !f.IsBool() && (f.PlaceHolder == "FILE" || f.PlaceHolder == "DIR")
}

func bashCompletion(out io.Writer, words []commandWord) error {
	var b strings.Builder
	b.WriteString(`_boxcar() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= words= files= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at ${COMP_WORDS[i]}" in
`)
	for _, w := range words[1:] {
		above, name, found := cutLast(w.path)
		if !found {
			above = ""
		}
		fmt.Fprintf(&b, "      %q) at=%q ;;\n", above+" "+name, w.path)
	}
	b.WriteString("    esac\n  done\n  case \"$at\" in\n")
	for _, w := range words {
		fmt.Fprintf(&b, "    %q) words=%q", w.path, strings.Join(append(w.names(), flagWords(w)...), " "))
		if w.files {
			b.WriteString(" files=1")
		}
		b.WriteString(" ;;\n")
	}
	b.WriteString(`  esac
  case "$prev" in
`)
	byFile, byValue := valueFlags(words)
	if len(byFile) > 0 {
		fmt.Fprintf(&b, "    %s) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", strings.Join(byFile, "|"))
	}
	if len(byValue) > 0 {
		fmt.Fprintf(&b, "    %s) COMPREPLY=(); return ;;\n", strings.Join(byValue, "|"))
	}
	b.WriteString(`  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ -n $files && $cur != -* ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -F _boxcar boxcar
`)
	_, err := io.WriteString(out, b.String())
	return err
}

// cutLast cuts the last word off.
func cutLast(path string) (above, last string, found bool) {
	if i := strings.LastIndexByte(path, ' '); i >= 0 {
		return path[:i], path[i+1:], true
	}
	return "", path, false
}

// valueFlags are the flags that want a value: the name of a file, or something
// else. A name that some command has as a switch is left out.
func valueFlags(words []commandWord) (files, others []string) {
	kinds := map[string]string{}
	for _, w := range words {
		for _, f := range w.flags {
			kind := "value"
			switch {
			case f.IsBool():
				kind = "switch"
			case takesFile(f):
				kind = "file"
			}
			if had, ok := kinds[f.Name]; ok && had != kind {
				kind = "switch"
			}
			kinds[f.Name] = kind
		}
	}
	for name, kind := range kinds {
		switch kind {
		case "file":
			files = append(files, "--"+name)
		case "value":
			others = append(others, "--"+name)
		}
	}
	slices.Sort(files)
	slices.Sort(others)
	return files, others
}

func zshCompletion(out io.Writer, words []commandWord) error {
	var b strings.Builder
	b.WriteString(`#compdef boxcar
_boxcar() {
  local at= i
  for ((i = 2; i < CURRENT; i++)); do
    case "$at ${words[i]}" in
`)
	for _, w := range words[1:] {
		above, name, _ := cutLast(w.path)
		fmt.Fprintf(&b, "      %q) at=%q ;;\n", above+" "+name, w.path)
	}
	b.WriteString("    esac\n  done\n  local -a commands flags\n  local files=\n  case \"$at\" in\n")
	for _, w := range words {
		fmt.Fprintf(&b, "    %q)\n", w.path)
		b.WriteString("      commands=(")
		for _, n := range w.below {
			fmt.Fprintf(&b, " %s", quoteShell(describe(n.Name, n.Help)))
		}
		b.WriteString(" )\n      flags=(")
		fmt.Fprintf(&b, " %s", quoteShell(describe("--help", "Show help.")))
		for _, f := range w.flags {
			if f.Name != "help" {
				fmt.Fprintf(&b, " %s", quoteShell(describe("--"+f.Name, f.Help)))
			}
		}
		b.WriteString(" )\n")
		if w.files {
			b.WriteString("      files=1\n")
		}
		b.WriteString("      ;;\n")
	}
	b.WriteString(`  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o flag flags
  else
    (( $#commands )) && _describe command commands
    [[ -n $files || -z $at || $#commands -eq 0 ]] && _files
  fi
}
if [[ $funcstack[1] == _boxcar ]]; then _boxcar "$@"; else compdef _boxcar boxcar; fi
`)
	_, err := io.WriteString(out, b.String())
	return err
}

// describe is a word with its meaning, as _describe wants them.
func describe(word, help string) string {
	return strings.ReplaceAll(word, ":", `\:`) + ":" + strings.ReplaceAll(help, "\n", " ")
}

func fishCompletion(out io.Writer, words []commandWord) error {
	var b strings.Builder
	b.WriteString(`function __boxcar_at
  set -l at ''
  for word in (commandline -opc)[2..]
    switch "$at $word"
`)
	for _, w := range words[1:] {
		above, name, _ := cutLast(w.path)
		fmt.Fprintf(&b, "      case '%s %s'\n        set at '%s'\n", above, name, w.path)
	}
	b.WriteString(`    end
  end
  test "$at" = "$argv[1]"
end
complete -c boxcar -f
`)
	for _, w := range words {
		when := fmt.Sprintf("-n '__boxcar_at \"%s\"'", w.path)
		for _, n := range w.below {
			fmt.Fprintf(&b, "complete -c boxcar %s -a %s -d %s\n", when, n.Name, fishQuote(n.Help))
		}
		if w.files {
			fmt.Fprintf(&b, "complete -c boxcar %s -F\n", when)
		}
		for _, f := range w.flags {
			line := fmt.Sprintf("complete -c boxcar %s -l %s", when, f.Name)
			if f.Short != 0 {
				line += " -s " + string(f.Short)
			}
			switch {
			case takesFile(f):
				line += " -r -F"
			case !f.IsBool():
				line += " -x"
			}
			fmt.Fprintf(&b, "%s -d %s\n", line, fishQuote(f.Help))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", " ").Replace(s) + "'"
}
