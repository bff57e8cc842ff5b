package boxapi

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestUpdateBodies(t *testing.T) {
	for _, c := range []struct {
		in   string
		want UpdateFile
	}{
		{`{}`, UpdateFile{}},
		{`{"lock":null}`, UpdateFile{Lock: Null[UpdateLock]()}},
		{`{"lock":{}}`, UpdateFile{Lock: NullableOf(UpdateLock{})}},
		{`{"lock":{"type":"lock","is_download_prevented":true,"expires_at":"2031-03-02"}}`,
			UpdateFile{Lock: NullableOf(UpdateLock{Type: "lock", IsDownloadPrevented: true, ExpiresAt: Time{time.Date(2031, 3, 2, 0, 0, 0, 0, time.UTC)}})}},
		{`{"lock":{"expires_at":null}}`, UpdateFile{Lock: NullableOf(UpdateLock{})}}, // inside, null is as absent
		{`{"lock":null,"lock":{}}`, UpdateFile{Lock: NullableOf(UpdateLock{})}},      // the last one wins
		{`{"lock":{},"LOCK":null}`, UpdateFile{Lock: Null[UpdateLock]()}},            // in any case
		{`{"tags":null}`, UpdateFile{UpdateItem: UpdateItem{Tags: Null[[]string]()}}},
		{`{"tags":[]}`, UpdateFile{UpdateItem: UpdateItem{Tags: NullableOf([]string{})}}},
		{`{"tags":["a"]}`, UpdateFile{UpdateItem: UpdateItem{Tags: NullableOf([]string{"a"})}}},
		{`{"collections":[{"id":7,"type":"collection"}]}`, UpdateFile{UpdateItem: UpdateItem{Collections: NullableOf([]Ref{{ID: "7"}})}}},
		{`{"shared_link":null}`, UpdateFile{UpdateItem: UpdateItem{SharedLink: Null[UpdateSharedLink]()}}},
		{`{"shared_link":{}}`, UpdateFile{UpdateItem: UpdateItem{SharedLink: NullableOf(UpdateSharedLink{})}}},
		{`{"shared_link":{"password":null,"unshared_at":null}}`,
			UpdateFile{UpdateItem: UpdateItem{SharedLink: NullableOf(UpdateSharedLink{Password: Null[string](), UnsharedAt: Null[Time]()})}}},
		{`{"shared_link":{"password":""}}`, UpdateFile{UpdateItem: UpdateItem{SharedLink: NullableOf(UpdateSharedLink{Password: NullableOf("")})}}},
		{`{"name":null,"parent":null,"description":null,"url":7,"permissions":[],"disposition_at":{}}`, UpdateFile{}},
	} {
		var got UpdateFile
		if err := DecodeJSON([]byte(c.in), &got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("DecodeJSON(%s) = %+v, %v; want %+v", c.in, got, err, c.want)
			continue
		}
		// What is written is read as the same.
		text := must(EncodeJSON(got))
		var again UpdateFile
		if err := DecodeJSON(text, &again); err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%s was written as %s, which is %+v, %v", c.in, text, again, err)
		}
	}
	if text := must(EncodeJSON(UpdateFolder{})); string(text) != "{}" {
		t.Errorf("nothing was written as %s", text)
	}
}

func TestUpdateBodiesRefused(t *testing.T) {
	for in, want := range map[string]string{
		`{"lock":7}`:                                     "lock",
		`{"lock":[]}`:                                    "lock",
		`{"lock":{"expires_at":"soon"}}`:                 "lock.expires_at",
		`{"lock":{"is_download_prevented":"x"}}`:         "lock.is_download_prevented",
		`{"tags":"a"}`:                                   "tags",
		`{"tags":[7]}`:                                   "tags",
		`{"collections":{}}`:                             "collections",
		`{"collections":[7]}`:                            "collections",
		`{"shared_link":""}`:                             "shared_link",
		`{"shared_link":{"unshared_at":7}}`:              "shared_link.unshared_at",
		`{"shared_link":{"permissions":{"can_edit":1}}}`: "shared_link.permissions.can_edit",
		`{"name":7}`:                                     "name",
	} {
		var got UpdateFile
		err := DecodeJSON([]byte(in), &got)
		var field *FieldError
		if !errors.As(err, &field) || field.Field != want || !strings.Contains(field.Message, "'"+want+"'") {
			t.Errorf("DecodeJSON(%s) = %v, want one about %s", in, err, want)
		}
	}
}

// A key is absent, null or a value, whatever else there is, and what is written is
// read as the same.
func FuzzNullable(f *testing.F) {
	for _, s := range []string{"null", " null ", "7", `"a"`, "[]", "{}", `{"expires_at":null}`, `[{"id":null}]`, "nul", `{"a":null}`, ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		type body struct {
			Before Nullable[UpdateLock] `json:"before,omitzero"`
			Lock   Nullable[UpdateLock] `json:"lock,omitzero"`
			Refs   Nullable[[]Ref]      `json:"refs,omitzero"`
			Time   Nullable[Time]       `json:"time,omitzero"`
		}
		for _, key := range []string{"lock", "refs", "time"} {
			var got body
			err := DecodeJSON([]byte(`{"`+key+`":`+value+`}`), &got)
			if err != nil {
				continue
			}
			given := map[string]bool{"lock": got.Lock.Given, "refs": got.Refs.Given, "time": got.Time.Given, "before": got.Before.Given}
			null := map[string]bool{"lock": got.Lock.Value == nil, "refs": got.Refs.Value == nil, "time": got.Time.Value == nil}
			// The value may itself go on with other keys.
			if plain := !strings.Contains(value, ":"); plain && (!given[key] || given["before"] || null[key] != (kindOf([]byte(value)) == "null")) {
				t.Fatalf("%s: %q is %+v", key, value, got)
			}
			text := must(EncodeJSON(got))
			var again body
			if err := DecodeJSON(text, &again); err != nil || !reflect.DeepEqual(got, again) {
				t.Fatalf("%q was written as %s, which is %+v, %v; want %+v", value, text, again, err, got)
			}
		}
	})
}
