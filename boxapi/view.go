package boxapi

import (
	"bytes"
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

// plain writes v as encoding/json does.
func (e *viewEncoder) plain(v reflect.Value) error {
	// Most values in a listing are one of these, and writing
	// them here takes a third off the time of one.
	switch v.Type() {
	case reflect.TypeFor[string](), reflect.TypeFor[ID](), reflect.TypeFor[NullString]():
		if s := v.String(); s != "" && unescaped(s) {
			e.out.WriteByte('"')
			e.out.WriteString(s)
			e.out.WriteByte('"')
			return nil
		}
	case reflect.TypeFor[int64](), reflect.TypeFor[int]():
		e.out.Write(strconv.AppendInt(e.out.AvailableBuffer(), v.Int(), 10))
		return nil
	}
	if err := e.json.Encode(v.Interface()); err != nil {
		return err
	}
	e.out.Truncate(e.out.Len() - 1) // the line end that Encode adds
	return nil
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
