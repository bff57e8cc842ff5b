package content

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Text is searched by its words: runs of letters and digits, without regard to
// case and accents. Where a script puts no spaces between words, and for
// symbols such as emoji, each character is a word of its own, and an index has
// pairs of them: what stands inside such a run is found by its pairs.

// word is one word of a text, folded.
type word struct {
	text string
	solo bool // one character of a script without spaces, or a symbol
	next bool // solo, and right behind another such
}

const (
	maxTerm  = 64  // bytes of a word that an index keeps
	maxTerms = 600 // words of one item that an index keeps
)

// solos are the scripts that are written without spaces between words.
var solos = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.So,
}

const prolonged = 'ー' // the sound mark of Katakana, which is of no script

// letters that have no decomposition.
var letters = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ð", "d", "ħ", "h", "ı", "i", "æ", "ae", "œ", "oe", "þ", "th")

// fold is what two texts are compared by in a search: case, accents, and forms
// of the same character do not count.
func fold(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	s = strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36f || r >= 0xfe00 && r <= 0xfe0f || r == 0x200d {
			return -1 // accents, and what picks the form of an emoji
		}
		return r
	}, norm.NFKD.String(strings.ToValidUTF8(s, " ")))
	return letters.Replace(norm.NFC.String(cases.Fold().String(norm.NFC.String(s))))
}

// split cuts a text into its words.
func split(text string) (words []word) {
	text = fold(text)
	start, solo := -1, false
	for i, r := range text {
		switch {
		case r < utf8.RuneSelf && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9'):
			if start < 0 {
				start = i
			}
			solo = false
			continue
		case r >= utf8.RuneSelf && (r == prolonged || unicode.In(r, solos...)):
			if start >= 0 {
				words = append(words, word{text: text[start:i]})
				start = -1
			}
			words = append(words, word{text: string(r), solo: true, next: solo})
			solo = true
			continue
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)):
			if start < 0 {
				start = i
			}
			solo = false
			continue
		}
		if start >= 0 {
			words = append(words, word{text: text[start:i]})
			start = -1
		}
		solo = false
	}
	if start >= 0 {
		words = append(words, word{text: text[start:]})
	}
	return words
}

// cut is a word as an index keeps it.
func cut(s string) string {
	if len(s) <= maxTerm {
		return s
	}
	n := maxTerm
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// IndexTerms are what an index keeps of texts, each once. What Lookup gives for
// a query is among those of all that match it.
func IndexTerms(texts ...string) (terms []string) {
	for _, text := range texts {
		words := split(text)
		for i, w := range words {
			t := w.text
			if w.solo && i+1 < len(words) && words[i+1].next {
				t += words[i+1].text
			}
			if len(terms) < maxTerms {
				terms = append(terms, cut(t))
			}
		}
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// Term is a word to look up in an index of IndexTerms.
type Term struct {
	Text   string
	Prefix bool // or what begins with it
}

// Query is what somebody searches for.
type Query struct {
	groups [][]clause // any of them
	whole  string     // all that was typed, folded
}

// clause is words that stand together in one text.
type clause struct {
	words  []word
	prefix bool // the last may go on
	not    bool
}

// maxClauses bounds what one query may ask for.
const maxClauses = 40

// ParseQuery reads a query: words, which all have to be there; "words in quotes",
// which have to stand together; OR between groups of them, NOT before one that
// must not be there, and AND, which says nothing. The last word may be the
// beginning of one. Any text is a query; it may be one that nothing matches.
func ParseQuery(text string) (Query, error) {
	q := Query{whole: strings.Join(strings.Fields(fold(text)), " ")}
	var group []clause
	n, not := 0, false
	end := func() {
		for _, c := range group {
			if !c.not {
				q.groups = append(q.groups, group)
				break
			}
		}
		group, not = nil, false
	}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		var part string
		quoted := rest[0] == '"'
		if quoted {
			part, rest, _ = strings.Cut(rest[1:], `"`)
		} else {
			i := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '"' || r == '(' || r == ')' })
			switch {
			case i < 0:
				part, rest = rest, ""
			case i == 0:
				rest = rest[len(string([]rune(rest)[:1])):]
				continue
			default:
				part, rest = rest[:i], rest[i:]
			}
		}
		switch {
		case !quoted && part == "OR":
			end()
			continue
		case !quoted && part == "AND":
			continue
		case !quoted && part == "NOT":
			not = true
			continue
		}
		words := split(part)
		if len(words) == 0 {
			continue
		}
		if n += len(words); n > maxClauses {
			return q, Errorf(BadRequest, "a query can have %d words", maxClauses)
		}
		last := !quoted && strings.TrimSpace(rest) == ""
		if quoted || not {
			group = append(group, clause{words: words, not: not})
			not = false
			continue
		}
		for i := 0; i < len(words); {
			j := i + 1
			for words[i].solo && j < len(words) && words[j].next {
				j++
			}
			group = append(group, clause{words: words[i:j], prefix: last && j == len(words)})
			i = j
		}
	}
	end()
	return q, nil
}

// Empty says that nothing can match.
func (q Query) Empty() bool { return len(q.groups) == 0 }

// Lookup is what to look up in an index: what matches the query has all terms
// of one of the groups, and not all that has them matches.
func (q Query) Lookup() (groups [][]Term) {
	for _, g := range q.groups {
		var terms []Term
		add := func(t Term) {
			t.Text = cut(t.Text)
			if !slices.Contains(terms, t) {
				terms = append(terms, t)
			}
		}
		for _, c := range g {
			if c.not {
				continue
			}
			for i, w := range c.words {
				joined := i+1 < len(c.words) && c.words[i+1].next
				switch {
				case w.solo && joined:
					add(Term{Text: w.text + c.words[i+1].text})
				case w.solo && w.next && i > 0:
					// The pair before has it.
				case w.solo:
					add(Term{Text: w.text, Prefix: true}) // the first of any pair
				default:
					add(Term{Text: w.text, Prefix: c.prefix && i == len(c.words)-1})
				}
			}
		}
		groups = append(groups, terms)
	}
	return groups
}

// Match says whether a name, or another of an item's texts, matches, and how
// well: more is better, and at least 1.
func (q Query) Match(name string, others ...string) (score int, ok bool) {
	in := split(name)
	var rest [][]word
	for _, o := range others {
		if o != "" {
			rest = append(rest, split(o))
		}
	}
	for _, g := range q.groups {
		score = max(score, matchGroup(g, in, rest))
	}
	if score > 0 && strings.Join(strings.Fields(fold(name)), " ") == q.whole {
		score = 5
	}
	return score, score > 0
}

func matchGroup(g []clause, name []word, others [][]word) int {
	score := 4 // whole words of the name, in its beginning
	for i, c := range g {
		at, whole := c.find(name)
		found := at >= 0
		s := 2
		switch {
		case found && whole && (i > 0 || at == 0):
			s = 4
		case found && whole:
			s = 3
		case !found:
			s = 1
			for _, o := range others {
				if at, _ := c.find(o); at >= 0 {
					found = true
					break
				}
			}
		}
		switch {
		case c.not && found, !c.not && !found:
			return 0
		case !c.not:
			score = min(score, s)
		}
	}
	return score
}

// find is where a clause stands in a text, or -1, and whether its last word is
// whole there, if it is so anywhere.
func (c clause) find(in []word) (at int, whole bool) {
	at = -1
next:
	for i := 0; i+len(c.words) <= len(in); i++ {
		exact := true
		for j, w := range c.words {
			if w.text == in[i+j].text {
				continue
			}
			if !c.prefix || j < len(c.words)-1 || w.solo || !strings.HasPrefix(in[i+j].text, w.text) {
				continue next
			}
			exact = false
		}
		if exact {
			return i, true
		}
		if at < 0 {
			at = i
		}
	}
	return at, false
}
