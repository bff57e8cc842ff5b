package meta

import "context"

// Viewer is where rows are read: a Store, or a transaction that is open.
type Viewer interface {
	View(ctx context.Context, fn func(Tx) error) error
}

// PageRows is how many rows Each's list should give at once: fewer say that there are no more.
const PageRows = 500

// Each walks rows that come in order of id, a page in each transaction, and
// calls do outside of them. It stops at the first error.
func Each[R, ID any](ctx context.Context, from Viewer, list func(tx Tx, after ID) ([]R, error), id func(R) ID, do func(R) error) error {
	var after ID
	for {
		var rows []R
		err := from.View(ctx, func(tx Tx) (err error) {
			rows, err = list(tx, after)
			return err
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := do(row); err != nil {
				return err
			}
		}
		if len(rows) < PageRows {
			return nil
		}
		after = id(rows[len(rows)-1])
	}
}
