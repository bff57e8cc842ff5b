package boxapi

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Level ranks the keys of an object by how readily they are shown. Each level
// has the keys of those below it.
type Level uint8

const (
	LevelBase     Level = iota // in every form of the object
	LevelMini                  // where objects are listed or nested
	LevelStandard              // where one object is the answer
	LevelFull                  // only if named in fields
)

// View says which keys of an object a reply shows. The level of each key is in
// the box tag of its struct field.
type View struct {
	// Level is shown if Fields names nothing: LevelStandard for single
	// objects, LevelMini for the entries of lists.
	Level Level

	// Floor is shown beside the keys that Fields names: LevelBase, except
	// in replies to uploads, where it is LevelMini.
	Floor Level

	Fields Fields
}

// Wants says whether a key of the given level is shown; a service need not work
// out those that are not.
func (w View) Wants(key string, level Level) bool {
	if w.Fields.None() {
		return level <= w.Level
	}
	return level <= w.Floor || w.Fields.Has(key)
}

// nested is the view of the items inside an object: Mini, and the same fields.
func (w View) nested() View {
	return View{Level: LevelMini, Fields: w.Fields}
}

// Encode writes v as JSON with the keys that the view shows, in the order of
// the struct. v is a File, Folder, FileVersion or User, a list of them, or a
// pointer to one of these; the view of a list is that of its entries. What
// knows no levels is written whole.
//
// The items in a folder's item_collection are shown in their Mini form, or with
// the same fields as the folder. Other objects inside v are always Mini.
func (w View) Encode(v any) ([]byte, error) {
	e := viewEncoder{}
	e.json = json.NewEncoder(&e.out)
	e.json.SetEscapeHTML(false)
	if err := e.value(reflect.ValueOf(v), w); err != nil {
		return nil, err
	}
	return e.out.Bytes(), nil
}

// Show is Encode put off until the result, as part of something larger, is
// written.
func (w View) Show(v any) json.Marshaler { return shown{w, v} }

type shown struct {
	view View
	v    any
}

func (s shown) MarshalJSON() ([]byte, error) { return s.view.Encode(s.v) }

type viewEncoder struct {
	out  bytes.Buffer
	json *json.Encoder // writes to out
}

// value writes v and, in lists, each entry as the view has it.
func (e *viewEncoder) value(v reflect.Value, w View) error {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Invalid:
		e.out.WriteString("null")
		return nil
	case reflect.Struct:
		if s := shapeOf(v.Type()); s.tagged {
			return e.object(v, s, w)
		}
	case reflect.Slice:
		if elem := v.Type().Elem().Kind(); elem != reflect.Struct && elem != reflect.Pointer && elem != reflect.Interface {
			break
		}
		e.out.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				e.out.WriteByte(',')
			}
			if err := e.value(v.Index(i), w); err != nil {
				return err
			}
		}
		e.out.WriteByte(']')
		return nil
	}
	return e.plain(v)
}

// plain writes v as encoding/json does. Most values in a listing are of the few
// forms that are written here, which takes two thirds off the time of one.
func (e *viewEncoder) plain(v reflect.Value) error {
	switch formOf(v.Type()) {
	case formText:
		if s := v.String(); s != "" && unescaped(s) {
			e.out.WriteByte('"')
			e.out.WriteString(s)
			e.out.WriteByte('"')
			return nil
		}
	case formInt:
		e.out.Write(strconv.AppendInt(e.out.AvailableBuffer(), v.Int(), 10))
		return nil
	case formBool:
		e.out.Write(strconv.AppendBool(e.out.AvailableBuffer(), v.Bool()))
		return nil
	case formTime:
		text, err := v.Interface().(Time).MarshalJSON()
		e.out.Write(text)
		return err
	case formPointer:
		if v.IsNil() {
			e.out.WriteString("null")
			return nil
		}
		return e.plain(v.Elem())
	case formList:
		e.out.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				e.out.WriteByte(',')
			}
			if err := e.plain(v.Index(i)); err != nil {
				return err
			}
		}
		e.out.WriteByte(']')
		return nil
	case formStruct:
		return e.object(v, shapeOf(v.Type()), everything)
	}
	if err := e.json.Encode(v.Interface()); err != nil {
		return err
	}
	e.out.Truncate(e.out.Len() - 1) // the line end that Encode adds
	return nil
}

// everything shows all keys of an object, and of what is in it.
var everything = View{Level: LevelFull}

// form is how plain writes a type.
type form uint8

const (
	formOther form = iota + 1 // json does it
	formText
	formInt
	formBool
	formTime
	formPointer
	formList
	formStruct
)

var forms sync.Map // of reflect.Type to form

func formOf(t reflect.Type) form {
	if f, ok := forms.Load(t); ok {
		return f.(form)
	}
	f := formOther
	own := t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	if t.Kind() == reflect.Struct {
		p := reflect.PointerTo(t)
		own = own || p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	}
	switch {
	case t == reflect.TypeFor[string](), t == reflect.TypeFor[ID](), t == reflect.TypeFor[NullString]():
		f = formText
	case t == reflect.TypeFor[Time]():
		f = formTime
	case t == reflect.TypeFor[int64](), t == reflect.TypeFor[int]():
		f = formInt
	case t == reflect.TypeFor[bool]():
		f = formBool
	case t.Kind() == reflect.Slice && t.Implements(reflect.TypeFor[interface{ isList() }]()):
		f = formList
	case own:
	case t.Kind() == reflect.Pointer:
		f = formPointer
	case t.Kind() == reflect.Struct && simple(t):
		f = formStruct
	}
	forms.Store(t, f)
	return f
}

// simple says whether json writes a struct key by key, with no rules for one that
// are not omitzero.
func simple(t reflect.Type) bool {
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && f.Type.Kind() != reflect.Struct,
			!f.Anonymous && name == "",
			options != "" && options != "omitzero":
			return false
		}
	}
	return true
}

// unescaped says whether s stands in JSON as it is.
func unescaped(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return true
}

func (e *viewEncoder) object(v reflect.Value, s *shape, w View) error {
	inner := w
	if s.levelled {
		inner = w.nested()
	}
	open := byte('{')
	for _, k := range s.keys {
		if k.levelled && !w.Wants(k.name, k.level) {
			continue
		}
		f := v.FieldByIndex(k.index)
		if k.omitZero && isZero(f) {
			continue
		}
		e.out.WriteByte(open)
		open = ','
		e.out.WriteString(k.prefix)
		var err error
		if k.items {
			err = e.value(f, inner)
		} else {
			err = e.plain(f)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	if open == '{' {
		e.out.WriteByte('{')
	}
	e.out.WriteByte('}')
	return nil
}

// isZero is omitzero's test.
func isZero(v reflect.Value) bool {
	if v.IsZero() {
		return true
	}
	z, ok := v.Interface().(interface{ IsZero() bool })
	return ok && v.Kind() != reflect.Pointer && z.IsZero()
}

// shape is what the tags of a struct say.
//
// The box tag of a field is "LEVEL", "LEVEL,items" or ",items". Without a
// level a key is always shown, as those of lists are. With items, what it holds
// is shown by the view as well.
type shape struct {
	keys     []key
	tagged   bool // some field has a box tag
	levelled bool // some field has a level: an object, not a list
}

type key struct {
	name     string
	prefix   string // the name as JSON, and the colon
	index    []int
	level    Level
	levelled bool
	items    bool
	omitZero bool
}

var levels = map[string]Level{
	"base":     LevelBase,
	"mini":     LevelMini,
	"standard": LevelStandard,
	"full":     LevelFull,
}

var shapes sync.Map // of reflect.Type to *shape; as many as there are types here

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{}
	for _, f := range reflect.VisibleFields(t) {
		name, omitZero := jsonKey(f)
		if name == "" || f.Anonymous || !f.IsExported() {
			continue
		}
		tag, tagged := f.Tag.Lookup("box")
		level, option, _ := strings.Cut(tag, ",")
		k := key{name: name, prefix: `"` + name + `":`, index: f.Index, items: option == "items", omitZero: omitZero}
		k.level, k.levelled = levels[level]
		s.tagged = s.tagged || tagged
		s.levelled = s.levelled || k.levelled
		s.keys = append(s.keys, k)
	}
	got, _ := shapes.LoadOrStore(t, s)
	return got.(*shape)
}
