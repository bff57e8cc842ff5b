package scale

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the same driver as meta/sqlite has

	"boxcar/internal/content"
)

// multiply makes the copies, in a database that nobody else has open and that
// may be lost. Rows go in in the order of their tables, and the indexes are made
// behind them, so that nothing is read again to be written once more.
func (b *builder) multiply(dir string) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(filepath.Join(dir, "boxcar.db"))+
		"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-1000000)&_pragma=locking_mode(EXCLUSIVE)&_pragma=threads(1)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	m := &multiplier{ctx: b.ctx, db: db, tick: time.Now()}
	if err := m.plan(b); err != nil {
		return err
	}
	indexes, err := m.dropIndexes()
	if err != nil {
		return err
	}
	for _, table := range []string{"item", "version", "part", "word"} {
		if err := m.fill(table); err != nil {
			return err
		}
		m.note(table)
	}
	for _, create := range indexes {
		if err := m.exec(create); err != nil {
			return err
		}
		m.note(strings.Join(strings.Fields(create)[:4], " "))
	}
	return m.totals(b.who.User)
}

type multiplier struct {
	ctx  context.Context
	db   *sql.DB
	tick time.Time
}

func (m *multiplier) exec(query string, args ...any) error {
	if _, err := m.db.ExecContext(m.ctx, query, args...); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}

// note says what a step took, if that is much.
func (m *multiplier) note(step string) {
	if took := time.Since(m.tick); took > 5*time.Second {
		log.Printf("%s: %.0f s", step, took.Seconds())
	}
	m.tick = time.Now()
}

// span is more than all planted ids differ by.
const span = 1 << 40

// plan notes which copies there are to be: of what is in the folder of, into a folder, with
// k added to the numbers in names. All ids of a copy are by less than those that were planted,
// so that what is made later has the highest, as it should.
func (m *multiplier) plan(b *builder) error {
	err := m.exec(`CREATE TEMP TABLE copy (id INTEGER PRIMARY KEY, of INTEGER, dest INTEGER, k INTEGER, by INTEGER)`)
	if err != nil {
		return err
	}
	n := 0
	add := func(of, into content.ID, k int) error {
		n++
		return m.exec(`INSERT INTO copy VALUES (?, ?, ?, ?, ?)`, -n, int64(of), int64(into), k, int64(n)*span)
	}
	for k := 1; k < b.times; k++ {
		if err := add(b.big, b.big, k); err != nil {
			return err
		}
	}
	for _, in := range b.empty {
		if err := add(b.seed, in, 0); err != nil {
			return err
		}
	}
	return m.exec(`CREATE TEMP TABLE planted AS SELECT id AS item, current AS version, parent AS of FROM item WHERE parent IN (?, ?) AND kind = 1`,
		int64(b.big), int64(b.seed))
}

// copies says for each table to which planted file a row belongs, in what order its
// rows are stored, and how a copy of a row differs from it.
var copies = map[string]struct {
	of, order string
	changed   map[string]string
}{
	"item": {"p.item = r.id", "r.id", map[string]string{
		"id": "r.id - c.by", "parent": "c.dest", "current": "r.current - c.by", "name": numbered, "name_key": numbered,
		"modified_at": "r.modified_at - abs(random() % 1000000000000)"}},
	"version": {"p.version = r.id", "r.id", map[string]string{
		"id": "r.id - c.by", "file": "r.file - c.by", "manifest": "r.manifest - c.by", "name": numbered}},
	"part": {"p.version = r.manifest", "r.manifest, r.start", map[string]string{
		"manifest": "r.manifest - c.by", "blob": "randomblob(16)"}},
	"word": {"p.item = r.item", "", map[string]string{
		"item": "r.item - c.by", "term": "CASE WHEN r.term GLOB '[0-9]*' THEN printf('%07d', CAST(r.term AS INTEGER) + c.k) ELSE r.term END"}},
}

const numbered = "printf('document %07d.txt', CAST(substr(r.name, 10, 7) AS INTEGER) + c.k)"

// fill takes the rows out of a table, and puts them and their copies into it in order.
func (m *multiplier) fill(table string) error {
	rows, err := m.db.QueryContext(m.ctx, `SELECT name FROM pragma_table_info(?)`, table)
	if err != nil {
		return err
	}
	c := copies[table]
	var names, same, values []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names, same, values = append(names, name), append(same, "r."+name), append(values, cmp.Or(c.changed[name], "r."+name))
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	was, seeds, order := "was_"+table, "seeds_"+table, "p.of"
	if c.order != "" {
		order += ", " + c.order
	}
	for _, query := range []string{
		fmt.Sprintf(`CREATE TEMP TABLE %s AS SELECT * FROM %s`, was, table),
		fmt.Sprintf(`DELETE FROM %s`, table),
		fmt.Sprintf(`CREATE TEMP TABLE %s AS SELECT p.of AS seed, r.* FROM %s r JOIN planted p ON %s ORDER BY %s`,
			seeds, was, c.of, order),
		fmt.Sprintf(`CREATE INDEX %[1]s_seed ON %[1]s (seed)`, seeds),
	} {
		if err := m.exec(query); err != nil {
			return err
		}
	}
	into := fmt.Sprintf(`INSERT INTO %s (%s) `, table, strings.Join(names, ", "))
	// Outside in, this is the order of the table: by copy, and within it as stored.
	copied := fmt.Sprintf(`SELECT %s FROM copy c CROSS JOIN %s r ON r.seed = c.of`, strings.Join(values, ", "), seeds)
	rest := fmt.Sprintf(`SELECT %s FROM %s r`, strings.Join(same, ", "), was)
	if c.order == "" {
		return m.exec(into + copied + ` UNION ALL ` + rest + ` ORDER BY 1, 2, 3`)
	}
	if err := m.exec(into + copied + ` ORDER BY c.id`); err != nil {
		return err
	}
	return m.exec(into + rest + ` ORDER BY ` + c.order)
}

// dropIndexes drops those of the tables that are filled, and says how to make them again.
func (m *multiplier) dropIndexes() (create []string, err error) {
	rows, err := m.db.QueryContext(m.ctx, `SELECT name, sql FROM sqlite_schema
		WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('item', 'version', 'part', 'word') ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	var names []string
	for rows.Next() {
		var name, sql string
		if err := rows.Scan(&name, &sql); err != nil {
			return nil, err
		}
		names, create = append(names, name), append(create, sql)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := m.exec(`DROP INDEX ` + name); err != nil {
			return nil, err
		}
	}
	return create, nil
}

// totals are counted from the bottom up: files are at most three folders down.
func (m *multiplier) totals(owner content.ID) error {
	for range 3 {
		err := m.exec(`
			UPDATE item SET
				files = (SELECT COUNT(*) FROM item c WHERE c.parent = item.id AND c.kind = 1 AND c.trashed_at = 0),
				folders = (SELECT COUNT(*) FROM item c WHERE c.parent = item.id AND c.kind = 0 AND c.trashed_at = 0),
				size = (SELECT COALESCE(SUM(c.size), 0) FROM item c WHERE c.parent = item.id AND c.kind IN (0, 1) AND c.trashed_at = 0)
			WHERE kind = 0`)
		if err != nil {
			return err
		}
	}
	m.note("totals")
	return m.exec(`UPDATE account SET used = (SELECT SUM(v.size) FROM version v) WHERE id = ?`, int64(owner))
}
