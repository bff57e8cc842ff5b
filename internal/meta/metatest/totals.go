package metatest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"boxcar/internal/content"
	"boxcar/internal/meta"
)

// totals are compared with what a walk over all items finds, after each of
// many changes.
var totals = []test{
	{"TotalsAreWhatAWalkFinds", func(t *testing.T, s meta.Store) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		next := content.ID(1000)
		newID := func() content.ID { next += 10_000; return next } // leaves room for file's own ids
		live := []content.ID{aliceRoot, bobRoot}
		for step := range 300 {
			target := item(t, s, live[r.IntN(len(live))])
			parent := item(t, s, live[r.IntN(len(live))])
			id := newID()
			what := r.IntN(7)
			err := s.Update(t.Context(), func(tx meta.Tx) error {
				switch name := fmt.Sprint("n", r.IntN(20)); {
				case parent.Kind != meta.Folder:
				case what == 0:
					return tx.InsertItem(folder(id, parent.ID, name, alice))
				case what == 1:
					it := file(id, parent.ID, name, alice, r.Int64N(1000))
					return first(tx.InsertVersion(it.Current), tx.InsertItem(it))
				case what == 2:
					return tx.InsertItem(link(id, parent.ID, name, alice))
				case target.Parent == 0:
				case what == 3: // a move, unless the folder would end up in itself
					above, err := tx.Ancestors(parent.ID)
					if err != nil {
						return err
					}
					for _, a := range append(above, parent) {
						if a.ID == target.ID {
							return nil
						}
					}
					target.Parent = parent.ID
					return tx.UpdateItem(target)
				case what == 4: // into the trash, or out of it
					if target.TrashedAt.IsZero() {
						target.TrashedAt = start
					} else {
						target.TrashedAt = time.Time{}
					}
					return tx.UpdateItem(target)
				case what == 5 && target.Kind == meta.File:
					v := target.Current
					v.ID, v.Number, v.Size = id, v.Number+1, r.Int64N(1000)
					target.Current = v
					return first(tx.InsertVersion(v), tx.UpdateItem(target))
				case what == 6:
					in, err := tx.Children(target.ID, 1)
					if err != nil || len(in) > 0 {
						return err
					}
					if err := tx.DeleteItem(target.ID); err != nil || target.Kind != meta.File {
						return err
					}
					versions, err := tx.AllVersions(0, 10_000)
					for _, v := range versions {
						if v.File == target.ID {
							err = first(err, tx.DeleteVersion(v.ID))
						}
					}
					return err
				}
				return nil
			})
			if err != nil && !content.Is(err, content.NameTaken) {
				t.Fatalf("step %d: %v", step, err)
			}
			all := get(t, s, func(tx meta.Tx) ([]meta.Item, error) { return tx.AllItems(0, 10_000) })
			live = live[:0]
			for _, it := range all {
				live = append(live, it.ID)
				if want := walk(all, it); it.Totals != want {
					t.Fatalf("step %d: item %v has the totals %+v, and a walk finds %+v", step, it.ID, it.Totals, want)
				}
			}
		}
	}},
}

// walk adds up what is below an item.
func walk(all []meta.Item, of meta.Item) (sum meta.Totals) {
	if of.Kind == meta.File {
		sum.Size = of.Current.Size
	}
	for _, it := range all {
		if it.Parent != of.ID || !it.TrashedAt.IsZero() {
			continue
		}
		switch it.Kind {
		case meta.Folder:
			sum.Folders++
		case meta.File:
			sum.Files++
		case meta.WebLink:
			sum.Links++
		}
		sum.Size += walk(all, it).Size
	}
	return sum
}
