package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// secretNames are how things are called here that must not be compared in a
// time that tells how much of them is right.
var secretNames = regexp.MustCompile(`(?i)(secret|password|passphrase|verifier|challenge|token|hash|hashed|mac|seal|sealed|ticket|cookie|signature)$`)

// comparesSecrets are the comparisons in a file that are not in constant time.
// What is compared with nothing at all is only looked for.
func comparesSecrets(f *ast.File) (found []string) {
	secret := func(e ast.Expr) bool {
		for {
			switch x := e.(type) {
			case *ast.CallExpr:
				if len(x.Args) != 1 { // but for conversions, and strings.TrimSpace and its like
					return false
				}
				e = x.Args[0]
			case *ast.SliceExpr:
				e = x.X
			case *ast.IndexExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			case *ast.SelectorExpr:
				return secretNames.MatchString(x.Sel.Name)
			case *ast.Ident:
				return secretNames.MatchString(x.Name)
			default:
				return false
			}
		}
	}
	fixed := func(e ast.Expr) bool {
		switch x := e.(type) {
		case *ast.BasicLit:
			return true
		case *ast.Ident:
			return x.Name == "nil"
		case *ast.SelectorExpr: // meta.Code: a kind of token
			pkg, ok := x.X.(*ast.Ident)
			return ok && pkg.Name == "meta"
		}
		return false
	}
	length := func(e ast.Expr) bool {
		call, ok := e.(*ast.CallExpr)
		if !ok {
			return false
		}
		name, ok := call.Fun.(*ast.Ident)
		return ok && name.Name == "len"
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BinaryExpr:
			if x.Op != token.EQL && x.Op != token.NEQ || fixed(x.X) || fixed(x.Y) || length(x.X) || length(x.Y) {
				break
			}
			if secret(x.X) || secret(x.Y) {
				found = append(found, types.ExprString(x))
			}
		case *ast.CallExpr:
			switch types.ExprString(x.Fun) {
			case "bytes.Equal", "bytes.Compare", "bytes.EqualFold", "strings.EqualFold", "strings.Compare", "slices.Equal", "reflect.DeepEqual", "bytes.HasPrefix", "strings.HasPrefix":
				if len(x.Args) == 2 && !fixed(x.Args[0]) && !fixed(x.Args[1]) && (secret(x.Args[0]) || secret(x.Args[1])) {
					found = append(found, types.ExprString(x))
				}
			}
		}
		return true
	})
	return found
}

// TestSecretsAreComparedInConstantTime goes by the names of things in the code
// that has secrets in its hands.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	right := 0
	for _, dir := range []string{"auth", "tree", "httpapi", "daemon", "tracing"} {
		err := filepath.WalkDir(filepath.Join("..", dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, text := range comparesSecrets(f) {
				t.Errorf("%s: %s is not in constant time", path, text)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if x, ok := n.(*ast.SelectorExpr); ok && (x.Sel.Name == "ConstantTimeCompare" || types.ExprString(x) == "hmac.Equal") {
					right++
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if right < 8 {
		t.Errorf("only %d comparisons are in constant time: were the files looked at?", right)
	}
}

func TestComparisonsOfSecretsAreSeen(t *testing.T) {
	for text, want := range map[string]bool{
		"a.SecretHash == hash(secret)":                      true,
		"string(got) != c.ClientSecret":                     true,
		"bytes.Equal(sum, mac[:32])":                        true,
		"strings.EqualFold(token, other)":                   true,
		`password != ""`:                                    false,
		"len(token) == 32":                                  false,
		"t.Kind == meta.RefreshToken":                       false,
		"subtle.ConstantTimeCompare(secret, hash) == 1":     false,
		"id == other":                                       false,
		"strings.HasPrefix(verifier, x) || len(secret) > 3": true,
	} {
		e, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nvar _ = "+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(comparesSecrets(e)) > 0; got != want {
			t.Errorf("%s: found %v", text, got)
		}
	}
}
