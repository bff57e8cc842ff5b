package content

import (
	"strings"
	"testing"
)

func TestParseLinkURL(t *testing.T) {
	const token = "mfrggzdfmztwq2lknnwg23tpob"
	for _, row := range []struct{ in, token, vanity string }{
		{in: "https://box.example.net/s/" + token, token: token},
		{in: "http://127.0.0.1:8080/s/" + token + "/", token: token},
		{in: "https://app.box.com/s/vspke7y05sb214wjokpk", token: "vspke7y05sb214wjokpk"}, // Box's own are shorter
		{in: "https://acme.app.box.com/s/" + token + "?sortColumn=date&x=%2F", token: token},
		{in: "https://box.example.net/s/" + token + "#top", token: token},
		{in: "https://box.example.net/s/" + token + "/folder/17", token: token},
		{in: "https://box.example.net/s/" + token + "/file/17", token: token},
		{in: "https://box.example.net/published/below/s/" + token, token: token},
		{in: "https://box.example.net/v/The-Vanity_Name", vanity: "The-Vanity_Name"},
		{in: "https://box.example.net/v/The-Vanity_Name/", vanity: "The-Vanity_Name"},
		{in: "https://box.example.net/shared/static/" + token + ".jpeg", token: token},
		{in: "https://box.example.net/shared/static/" + token + ".tar.gz", token: token},
		{in: "https://box.example.net/shared/static/" + token, token: token},
		{in: "box.example.net/s/" + token, token: token}, // as people type it
		{in: " https://box.example.net/s/" + token + "\n", token: token},
		{in: ""},
		{in: "https://box.example.net/"},
		{in: "https://box.example.net/s/"},
		{in: "https://box.example.net/s/abc"},                                        // too short to be one
		{in: "https://box.example.net/s/" + strings.ToUpper(token)},                  // tokens have one case
		{in: "https://box.example.net/s/" + token + "%00"},                           // and no others than letters and digits
		{in: "https://box.example.net/s/" + strings.Repeat("a", 65)},                 // longer than any
		{in: "https://box.example.net/x?u=https://box.example.net/s/" + token},       // not in the path
		{in: "https://box.example.net/v/short"},                                      // a vanity name has 12 characters
		{in: "https://box.example.net/shared/static/x/" + token},                     // the last part is not the third
		{in: "ftp://box.example.net/s/" + token},                                     // no web page
		{in: "https:///s/" + token},                                                  // no host
		{in: "https://box.example.net/s/" + token + strings.Repeat("?", maxLinkURL)}, // longer than a URL
		{in: "https://box.example.net/%zz/s/" + token},
		{in: "s/" + token}, // a path is no URL: its first part would be the host
	} {
		token, vanity, ok := ParseLinkURL(row.in)
		if token != row.token || vanity != row.vanity || ok != (row.token+row.vanity != "") {
			t.Errorf("%.100q gave %q, %q, %v", row.in, token, vanity, ok)
		}
	}
}

func FuzzParseLinkURL(f *testing.F) {
	for _, s := range []string{"https://h/s/mfrggzdfmztwq2lknnwg23tpob", "h/v/The-Vanity_Name", "http://h/shared/static/mfrggzdfmztwq2lknnwg23tpob.pdf?x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, link string) {
		token, vanity, ok := ParseLinkURL(link)
		switch {
		case !ok && token+vanity != "", ok && (token == "") == (vanity == ""):
			t.Fatalf("%q gave %q, %q, %v", link, token, vanity, ok)
		case token != "" && !isLinkToken(token), vanity != "" && CheckVanity(vanity) != nil:
			t.Fatalf("%q gave %q, %q", link, token, vanity)
		}
		if !ok {
			return
		}
		// Written anew it is the same.
		again := "https://box.example.net/v/" + vanity
		if token != "" {
			again = "https://box.example.net/s/" + token
		}
		if t2, v2, ok := ParseLinkURL(again); !ok || t2 != token || v2 != vanity {
			t.Fatalf("%q gave %q, %q, %v", again, t2, v2, ok)
		}
	})
}

func TestStaticName(t *testing.T) {
	const token = "mfrggzdfmztwq2lknnwg23tpob"
	for name, want := range map[string]string{
		"a.jpeg": token + ".jpeg", "a.tar.gz": token + ".gz", "a": token, "a.": token, ".hidden": token + ".hidden",
		"a.ex t": token, "a.é": token, "a./b": token, "a.j%70g": token,
	} {
		got := StaticName(token, name)
		if got != want || StaticToken(got) != token {
			t.Errorf("%q gave %q, want %q", name, got, want)
		}
	}
}

func TestLinkPasswords(t *testing.T) {
	for password, good := range map[string]bool{
		"abcdefg1": true, "Abcdefgh": true, "abcdefg!": true, "abcd efgh": true, "12345678": true, "pässwörter-": true,
		"": false, "Short1!": false, "abcdefgh": false, "passwort": false, strings.Repeat("a1", maxLinkPassword): false,
	} {
		if err := CheckLinkPassword(password); (err == nil) != good {
			t.Errorf("%.40q gave %v", password, err)
		}
	}
}

func TestVanityNames(t *testing.T) {
	for name, good := range map[string]bool{
		"abcdefghijkl": true, "ABC-def_12345": true, "abcdefghijk": false, "": false, "abcdefghijk/": false, "abcdefghijk.": false,
		"abcdefghijk\u00e9": false, strings.Repeat("a", 101): false, "abcdefghijk%": false,
	} {
		if err := CheckVanity(name); (err == nil) != good {
			t.Errorf("%.40q gave %v", name, err)
		}
	}
}

func TestWhatALinkGives(t *testing.T) {
	top := Folder{Node: Node{ID: 1, OwnedBy: Person{ID: 9}, Status: Active}}
	shared := Folder{Node: Node{ID: 2, OwnedBy: Person{ID: 9}, Status: Active, Path: []Folder{top}}}
	file := &File{Node: Node{ID: 3, OwnedBy: Person{ID: 9}, Status: Active, Path: []Folder{top, shared}}}
	beside := &File{Node: Node{ID: 4, OwnedBy: Person{ID: 9}, Status: Active, Path: []Folder{top}}}
	trashed := &File{Node: Node{ID: 5, OwnedBy: Person{ID: 9}, Status: InTrash, Path: []Folder{top, shared}}}

	for name, row := range map[string]struct {
		link LinkGrant
		may  []Action
	}{
		"to see":      {LinkGrant{Item: 2, Preview: true}, []Action{See, Preview, Keep}},
		"to download": {LinkGrant{Item: 2, Preview: true, Download: true}, []Action{See, Preview, Keep, Download}},
		"to edit":     {LinkGrant{Item: 3, Preview: true, Download: true, Edit: true}, []Action{See, Preview, Keep, Download, Upload, Lock}},
	} {
		for _, user := range []ID{0, 8} {
			who := Principal{User: user, Links: []LinkGrant{row.link}}
			may := map[Action]bool{}
			for _, do := range row.may {
				may[do] = true
			}
			for _, do := range allActions {
				if got := May(who, do, file); got != may[do] {
					t.Errorf("a link %s lets user %s %s: %v", name, user, do, got)
				}
				for _, other := range []Item{&top, beside, trashed} {
					if err := Allow(who, do, other); !Is(err, NotFound) {
						t.Errorf("a link %s lets user %s %s item %s: %v", name, user, do, NodeOf(other).ID, err)
					}
				}
			}
		}
	}

	by := Principal{Links: []LinkGrant{{Item: 2}}}
	if path := PathFor(by, file); len(path) != 1 || path[0].ID != 2 {
		t.Errorf("by the link, the path is %v", path)
	}
	if path := PathFor(by, &shared); len(path) != 0 {
		t.Errorf("by the link, the path of what is shared is %v", path)
	}
	if path := PathFor(Principal{User: 9}, file); len(path) != 2 {
		t.Errorf("the owner's path is %v", path)
	}
	if SeesLink(by, file) || !SeesLink(by, &shared) || !SeesLink(Principal{User: 9}, file) {
		t.Error("SeesLink is wrong")
	}
	if AllowPast(by, file) == nil || AllowPast(Principal{User: 9}, file) != nil || AllowPast(Principal{Links: []LinkGrant{{Item: 3, Edit: true}}}, file) != nil {
		t.Error("AllowPast is wrong")
	}
}
