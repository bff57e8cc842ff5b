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
	kinds string // what its arguments are, one after the other: a file, a remote path or something else
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
			switch p.Name {
			case "file", "source", "dir":
				w.kinds += "f"
			case "path":
				w.kinds += "r"
			default:
				w.kinds += "-"
			}
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

// takesRemote says whether the value of a flag is a path on the server.
func takesRemote(f *kong.Flag) bool { return !f.IsBool() && f.PlaceHolder == "PATH" }

// takesFile says whether the value of a flag is the name of a file.
func takesFile(f *kong.Flag) bool {
	return !f.IsBool() && (f.PlaceHolder == "FILE" || f.PlaceHolder == "DIR")
}

func bashCompletion(out io.Writer, words []commandWord) error {
	var b strings.Builder
	b.WriteString(`_boxcar() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= flags= commands= kinds= kind= n=0 i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
`)
	byFile, byRemote, byValue := valueFlags(words)
	fmt.Fprintf(&b, "      %s) ((i++)); continue ;;\n", strings.Join(slices.Concat(byFile, byRemote, byValue), "|"))
	b.WriteString(`      -?*) continue ;;
    esac
    case "$at ${COMP_WORDS[i]}" in
`)
	for _, w := range words[1:] {
		above, name, found := cutLast(w.path)
		if !found {
			above = ""
		}
		fmt.Fprintf(&b, "      %q) at=%q ;;\n", above+" "+name, w.path)
	}
	b.WriteString("      *) ((n++)) ;;\n    esac\n  done\n  case \"$at\" in\n")
	for _, w := range words {
		fmt.Fprintf(&b, "    %q) commands=%q flags=%q kinds=%s ;;\n", w.path, strings.Join(w.names(), " "), strings.Join(flagWords(w), " "), w.kinds)
	}
	b.WriteString(`  esac
  case "$prev" in
`)
	fmt.Fprintf(&b, "    %s) kind=f ;;\n", strings.Join(byFile, "|"))
	fmt.Fprintf(&b, "    %s) kind=r ;;\n", strings.Join(byRemote, "|"))
	fmt.Fprintf(&b, "    %s) COMPREPLY=(); return ;;\n", strings.Join(byValue, "|"))
	b.WriteString(`  esac
  if [[ -z $kind && $cur != -* && -n $kinds ]]; then
    kind=${kinds:n:1}
    kind=${kind:-${kinds: -1}}
  fi
  COMPREPLY=()
  case "$kind" in
    f) compopt -o filenames 2>/dev/null
       mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    r) compopt -o filenames -o nospace 2>/dev/null
       mapfile -t COMPREPLY < <(boxcar complete -- "${cur//\\/}" 2>/dev/null) ;;
  esac
  [[ n -eq 0 ]] && COMPREPLY+=($(compgen -W "$commands" -- "$cur"))
  if [[ -z $kind || -z ${COMPREPLY[*]} ]]; then
    COMPREPLY+=($(compgen -W "$flags" -- "$cur"))
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

// valueFlags are the flags that want a value: the name of a file, a path on the
// server, or something else. A name that some command has as a switch is left out.
func valueFlags(words []commandWord) (files, remote, others []string) {
	kinds := map[string]string{}
	for _, w := range words {
		for _, f := range w.flags {
			kind := "value"
			switch {
			case f.IsBool():
				kind = "switch"
			case takesFile(f):
				kind = "file"
			case takesRemote(f):
				kind = "remote"
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
		case "remote":
			remote = append(remote, "--"+name)
		case "value":
			others = append(others, "--"+name)
		}
	}
	slices.Sort(files)
	slices.Sort(remote)
	slices.Sort(others)
	return files, remote, others
}

func zshCompletion(out io.Writer, words []commandWord) error {
	var b strings.Builder
	b.WriteString(`#compdef boxcar
_boxcar() {
  local at= kinds= kind= i n=1
  for ((i = 2; i < CURRENT; i++)); do
    case "${words[i]}" in
`)
	byFile, byRemote, byValue := valueFlags(words)
	fmt.Fprintf(&b, "      %s) ((i++)); continue ;;\n", strings.Join(slices.Concat(byFile, byRemote, byValue), "|"))
	b.WriteString(`      -?*) continue ;;
    esac
    case "$at ${words[i]}" in
`)
	for _, w := range words[1:] {
		above, name, _ := cutLast(w.path)
		fmt.Fprintf(&b, "      %q) at=%q ;;\n", above+" "+name, w.path)
	}
	b.WriteString("      *) ((n++)) ;;\n    esac\n  done\n  local -a commands flags remote\n  case \"$at\" in\n")
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
		fmt.Fprintf(&b, " )\n      kinds=%s\n      ;;\n", w.kinds)
	}
	b.WriteString("  esac\n  case \"${words[CURRENT-1]}\" in\n")
	fmt.Fprintf(&b, "    %s) kind=f ;;\n", strings.Join(byFile, "|"))
	fmt.Fprintf(&b, "    %s) kind=r ;;\n", strings.Join(byRemote, "|"))
	fmt.Fprintf(&b, "    %s) return ;;\n", strings.Join(byValue, "|"))
	b.WriteString(`  esac
  if [[ -z $kind && $PREFIX == -* ]]; then
    _describe -o flag flags
    return
  fi
  if [[ -z $kind ]]; then
    (( $#commands && n == 1 )) && _describe command commands
    kind=${kinds[n]:-${kinds[-1]}}
  fi
  case "$kind" in
    f) _files ;;
    r) remote=(${(f)"$(boxcar complete -- "${(Q)PREFIX}" 2>/dev/null)"})
       compadd -U -f -S '' -a remote ;;
  esac
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
function __boxcar_remote
  boxcar complete -- (commandline -ct) 2>/dev/null
end
complete -c boxcar -f
`)
	for _, w := range words {
		when := fmt.Sprintf("-n '__boxcar_at \"%s\"'", w.path)
		for _, n := range w.below {
			fmt.Fprintf(&b, "complete -c boxcar %s -a %s -d %s\n", when, n.Name, fishQuote(n.Help))
		}
		if strings.Contains(w.kinds, "f") {
			fmt.Fprintf(&b, "complete -c boxcar %s -F\n", when)
		}
		if strings.Contains(w.kinds, "r") {
			fmt.Fprintf(&b, "complete -c boxcar %s -a '(__boxcar_remote)'\n", when)
		}
		for _, f := range w.flags {
			line := fmt.Sprintf("complete -c boxcar %s -l %s", when, f.Name)
			if f.Short != 0 {
				line += " -s " + string(f.Short)
			}
			switch {
			case takesFile(f):
				line += " -r -F"
			case takesRemote(f):
				line += " -x -a '(__boxcar_remote)'"
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
