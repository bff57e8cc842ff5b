package boxapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// What plain writes by itself is what json would write.
func TestPlainIsWhatJSONWrites(t *testing.T) {
	for _, v := range []any{
		FolderMini{}, UserMini{}, PathCollection{}, SharedLink{}, FolderPermissions{}, Order{}, FileVersionMini{}, Collection{},
		Classification{}, WatermarkInfo{}, FolderUploadEmail{}, ContextError{}, Part{}, List[string]{}, List[FolderMini]{},
		&FolderMini{}, Time{}, NullString(""), ID(""), true, int64(-7), "a \"quoted\" <b> & ü \u2028", 1.5, []string{"a"}, map[string]int{"a": 1},
		struct {
			A any `json:"a"`
			B *bool
		}{},
	} {
		for n := range 4 {
			filled := reflect.New(reflect.TypeOf(v)).Elem()
			filled.Set(reflect.ValueOf(v))
			if n > 0 {
				fill(filled, n)
			}
			e := viewEncoder{}
			e.json = json.NewEncoder(&e.out)
			e.json.SetEscapeHTML(false)
			if err := e.plain(filled); err != nil {
				t.Fatalf("%T: %v", v, err)
			}
			var want viewEncoder
			enc := json.NewEncoder(&want.out)
			enc.SetEscapeHTML(false)
			if err := enc.Encode(filled.Interface()); err != nil {
				t.Fatalf("%T: %v", v, err)
			}
			if got, want := e.out.String()+"\n", want.out.String(); got != want {
				t.Errorf("%T: %s, and json writes %s", v, got, want)
			}
		}
	}
}

// fill gives every field a value.
func fill(v reflect.Value, n int) {
	if v.Type() == reflect.TypeFor[Time]() {
		v.Set(reflect.ValueOf(Time{time.Date(2020, 1, n, 2, 3, 4, 0, time.UTC)}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d <&> ü", n))
		if n == 1 {
			v.SetString("plain")
		}
	case reflect.Bool:
		v.SetBool(n%2 == 1)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Pointer:
		if n > 1 && v.CanSet() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n)
			}
		}
	}
}
