package content_test

import (
	"slices"
	"strings"
	"testing"

	"boxcar/internal/content"
)

func TestQueriesMatch(t *testing.T) {
	for _, c := range []struct {
		query, name, other string
		want               bool
	}{
		{"report", "Report.pdf", "", true},
		{"report", "reports.pdf", "", true}, // the last word may go on
		{"eport", "report.pdf", "", false},
		{"report.pdf", "report.pdf", "", true},
		{"report.pdf", "report of june.pdf", "", true},
		{"rep pdf", "report.pdf", "", false}, // only the last may
		{"pdf rep", "report.pdf", "", true},
		{"june report", "report june", "", true},
		{"june report", "report", "for june", true},
		{`"june report"`, "report june", "", false},
		{`"june report"`, "the june-report.txt", "", true},
		{`"june report`, "june report", "", true},
		{`"june rep"`, "june report", "", false},
		{`"Blue-Box"`, "blue.box", "", true},
		{"marketing AND boxworks", "boxworks marketing", "", true},
		{"marketing OR boxworks", "boxworks", "", true},
		{"marketing OR boxworks", "other", "", false},
		{"marketing NOT boxworks", "marketing boxworks", "", false},
		{"marketing AND NOT boxworks", "marketing", "boxworks", false},
		{"marketing AND NOT boxworks", "marketing", "", true},
		{"marketing and boxworks", "marketing boxworks", "", false},
		{"NOT boxworks", "marketing", "", false},
		{"a NOT b.c", "a b x c", "", true},
		{"a NOT b.c", "a b c", "", false},
		{"(june OR july) report", "july report", "", true},
		{"resume", "Résumé.doc", "", true},
		{"RÉSUMÉ", "resume.doc", "", true},
		{"strasse", "Straße", "", true},
		{"lodz", "Łódź.jpg", "", true},
		{"ABC", "ＡＢＣ.txt", "", true},
		{"отчет", "Отчёт.pdf", "", true},
		{"报告", "年度报告.pdf", "", true},
		{"年度报告", "年度报告.pdf", "", true},
		{"年报", "年度报告.pdf", "", false},
		{"报", "年度报告.pdf", "", true},
		{"告", "年度报告.pdf", "", true},
		{"年度 报告", "年度报告.pdf", "", true},
		{"报告2024", "年度报告2024.pdf", "", true},
		{"レポート", "月次レポート.xlsx", "", true},
		{"ひらがな", "これはひらがなです", "", true},
		{"がな", "これはひらがなです", "", true},
		{"かな", "これはひらがなです", "", false},
		{"보고", "연간보고서.hwp", "", true},
		{"🎉", "party 🎉.txt", "", true},
		{"❤️", "i ❤ it", "", true},
		{"***", "***", "", false},
		{"", "a", "", false},
		{"AND", "and", "", false},
		{strings.Repeat("x", 200), strings.Repeat("x", 200), "", true},
		{strings.Repeat("x", 200), strings.Repeat("x", 199) + "y", "", false},
	} {
		q, err := content.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		score, got := q.Match(c.name, c.other)
		if got != c.want || got != (score > 0) {
			t.Errorf("%q on %q and %q: %v with score %d", c.query, c.name, c.other, got, score)
		}
		if got && !indexed(q, c.name, c.other) {
			t.Errorf("%q matches %q, and the index does not find it: %v in %q", c.query, c.name, q.Lookup(), content.IndexTerms(c.name, c.other))
		}
	}
}

// indexed says whether an index finds the texts.
func indexed(q content.Query, texts ...string) bool {
	terms := content.IndexTerms(texts...)
	for _, g := range q.Lookup() {
		all := true
		for _, t := range g {
			all = all && slices.ContainsFunc(terms, func(s string) bool { return s == t.Text || t.Prefix && strings.HasPrefix(s, t.Text) })
		}
		if all && len(g) > 0 {
			return true
		}
	}
	return false
}

func TestBetterMatchesScoreMore(t *testing.T) {
	q, _ := content.ParseQuery("june report")
	last := 100
	for _, name := range []string{"June Report", "june report.pdf", "the june report", "june reports", "x"} {
		score, _ := q.Match(name, "june report")
		if score >= last {
			t.Errorf("%q has score %d, and the one before %d", name, score, last)
		}
		last = score
	}
}

func TestLongQueriesAreRefused(t *testing.T) {
	if _, err := content.ParseQuery(strings.Repeat("a ", 41)); !content.Is(err, content.BadRequest) {
		t.Errorf("the error is %v", err)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add(`a "b c" NOT d OR e*`, "a b c")
	f.Add("年度 OR \x80\"", "年度报告 \u0301")
	f.Fuzz(func(t *testing.T, query, name string) {
		q, err := content.ParseQuery(query)
		if err != nil {
			return
		}
		if _, ok := q.Match(name, query); ok && !indexed(q, name, query) && len(content.IndexTerms(name, query)) < 300 {
			t.Errorf("%q matches %q, and the index does not find it: %v in %q", query, name, q.Lookup(), content.IndexTerms(name, query))
		}
		for _, term := range content.IndexTerms(name) {
			if term == "" || len(term) > 64 {
				t.Errorf("%q is a term", term)
			}
		}
	})
}
