package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
	"boxcar/internal/meta/sqlmeta"
)

// planner runs statements after asking SQLite how it means to.
type planner struct {
	*sqlmeta.Prepared
	t     *testing.T
	steps []string
}

func (p *planner) plan(ctx context.Context, query string, args []any) {
	rows, err := p.Prepared.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		p.t.Fatalf("plan of %s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			p.t.Fatal(err)
		}
		p.steps = append(p.steps, step)
	}
}

func (p *planner) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	p.plan(ctx, query, args)
	return p.Prepared.ExecContext(ctx, query, args...)
}

func (p *planner) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	p.plan(ctx, query, args)
	return p.Prepared.QueryContext(ctx, query, args...)
}

// A scan goes over what is not bounded by an index: fine for what a query has
// made itself, which is given by these names, or as 2-ROW VALUES CLAUSE.
var scan = regexp.MustCompile(`^SCAN (\S+)`)

var ownTables = []string{"up", "below", "lead", "m", "first", "t", "c", "200", "CONSTANT"}

func TestQueriesUseIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// A folder is listed kind by kind, as far as it holds any.
	err = s.Update(t.Context(), func(tx meta.Tx) error {
		return errors.Join(
			tx.InsertEnterprise(content.Enterprise{ID: 1}),
			tx.InsertUser(content.User{Person: content.Person{ID: 1}, Enterprise: content.Enterprise{ID: 1}, Root: 1}),
			tx.InsertItem(meta.Item{ID: 1, Owner: 1}),
			tx.InsertItem(meta.Item{ID: 10, Owner: 1, Parent: 1, Key: "a"}),
			tx.InsertItem(meta.Item{ID: 12, Owner: 1, Parent: 1, Key: "a2"}),
			tx.InsertItem(meta.Item{ID: 13, Owner: 1, Parent: 1, Key: "a3"}),
			tx.InsertItem(meta.Item{ID: 11, Owner: 1, Parent: 1, Key: "b", Kind: meta.WebLink}))
	})
	if err != nil {
		t.Fatal(err)
	}
	// The connection that writes is to be free.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var key = "00000000000000000000000000000001"
	id := content.SessionID(key)
	const sorts = true
	for name, q := range map[string]struct {
		sorts bool
		run   func(tx *sqlmeta.Tx)
	}{
		"User":         {run: func(tx *sqlmeta.Tx) { tx.User(1) }},
		"UserByLogin":  {run: func(tx *sqlmeta.Tx) { tx.UserByLogin("a") }},
		"Users":        {run: func(tx *sqlmeta.Tx) { tx.Users(1, 10) }},
		"InsertUser":   {run: func(tx *sqlmeta.Tx) { tx.InsertUser(content.User{}) }},
		"AddUsage":     {run: func(tx *sqlmeta.Tx) { tx.AddUsage(1, 1, 1) }},
		"Setting":      {run: func(tx *sqlmeta.Tx) { tx.Setting("a") }},
		"PutSetting":   {run: func(tx *sqlmeta.Tx) { tx.PutSetting("a", nil) }},
		"Token":        {run: func(tx *sqlmeta.Tx) { tx.Token([32]byte{}) }},
		"DeleteTokens": {run: func(tx *sqlmeta.Tx) { tx.DeleteTokens(1, "a") }},
		"InsertItem":   {run: func(tx *sqlmeta.Tx) { tx.InsertItem(meta.Item{ID: 20, Parent: 1, Owner: 1, Key: "c"}) }},
		"UpdateItem":   {run: func(tx *sqlmeta.Tx) { tx.UpdateItem(meta.Item{ID: 10, Parent: 1, Owner: 1, Key: "d"}) }},
		"FindUsers":    {run: func(tx *sqlmeta.Tx) { tx.FindUsers(meta.UserQuery{Prefix: "a", After: 1, Limit: 10}) }},
		"UpdateUser":   {run: func(tx *sqlmeta.Tx) { tx.UpdateUser(content.User{}) }},
		"DeleteUser": {run: func(tx *sqlmeta.Tx) {
			tx.InsertEnterprise(content.Enterprise{ID: 1})
			tx.InsertUser(content.User{Person: content.Person{ID: 1}, Enterprise: content.Enterprise{ID: 1}})
			tx.DeleteUser(1, s0)
		}},
		"DeletedUsers":    {run: func(tx *sqlmeta.Tx) { tx.DeletedUsers(10) }},
		"Purged":          {run: func(tx *sqlmeta.Tx) { tx.Purged(1) }},
		"Password":        {run: func(tx *sqlmeta.Tx) { tx.Password(1) }},
		"SetPassword":     {run: func(tx *sqlmeta.Tx) { tx.SetPassword(1, "") }},
		"OpenSessions":    {run: func(tx *sqlmeta.Tx) { tx.OpenSessions(1, 10) }},
		"App":             {run: func(tx *sqlmeta.Tx) { tx.App("a") }},
		"Apps":            {run: func(tx *sqlmeta.Tx) { tx.Apps("a", 10) }},
		"UpdateApp":       {run: func(tx *sqlmeta.Tx) { tx.UpdateApp(meta.App{}) }},
		"DeleteApp":       {run: func(tx *sqlmeta.Tx) { tx.DeleteApp("a") }},
		"Keys":            {run: func(tx *sqlmeta.Tx) { tx.Keys("a") }},
		"DeleteKey":       {run: func(tx *sqlmeta.Tx) { tx.DeleteKey("a", "b") }},
		"TakeToken":       {run: func(tx *sqlmeta.Tx) { tx.TakeToken([32]byte{}) }},
		"DeleteGrant":     {run: func(tx *sqlmeta.Tx) { tx.DeleteGrant("a") }},
		"UseAssertion":    {run: func(tx *sqlmeta.Tx) { tx.UseAssertion([32]byte{}, s0) }},
		"SweepTokens":     {run: func(tx *sqlmeta.Tx) { tx.SweepTokens(s0, s0, 10) }},
		"Item":            {run: func(tx *sqlmeta.Tx) { tx.Item(1) }},
		"ItemNamed":       {run: func(tx *sqlmeta.Tx) { tx.ItemNamed(1, "a") }},
		"Ancestors":       {run: func(tx *sqlmeta.Tx) { tx.Ancestors(1) }},
		"Lineage":         {run: func(tx *sqlmeta.Tx) { tx.Lineage(1) }},
		"ItemsIn by name": {run: func(tx *sqlmeta.Tx) { tx.ItemsIn(1, meta.ItemPage{Limit: 10}) }},
		"ItemsIn after":   {run: func(tx *sqlmeta.Tx) { tx.ItemsIn(1, meta.ItemPage{Limit: 10, After: meta.Item{Key: "a"}}) }},
		"ItemsIn by id":   {run: func(tx *sqlmeta.Tx) { tx.ItemsIn(1, meta.ItemPage{Order: meta.ByID, Limit: 10}) }},
		"ItemsIn by date": {run: func(tx *sqlmeta.Tx) { tx.ItemsIn(1, meta.ItemPage{Order: meta.ByDate, Limit: 10}) }},
		"ItemsIn by size": {run: func(tx *sqlmeta.Tx) { tx.ItemsIn(1, meta.ItemPage{Order: meta.BySize, Limit: 10}) }},
		"ItemsIn back":    {run: func(tx *sqlmeta.Tx) { tx.ItemsIn(1, meta.ItemPage{Order: meta.BySize, Desc: true, Limit: 10}) }},
		"Touch":           {run: func(tx *sqlmeta.Tx) { tx.Touch(1, s0) }},
		"InLimbo":         {run: func(tx *sqlmeta.Tx) { tx.InLimbo(meta.Going, 1, 10) }},
		"UpdateVersion":   {run: func(tx *sqlmeta.Tx) { tx.UpdateVersion(meta.Version{ID: 1}) }},
		"OldVersions":     {run: func(tx *sqlmeta.Tx) { tx.OldVersions(s0, 10) }},
		"HasVersion":      {run: func(tx *sqlmeta.Tx) { tx.HasVersion(1, 2) }},
		"AppendEvent":     {run: func(tx *sqlmeta.Tx) { tx.AppendEvent(meta.Event{}, 1, 2) }},
		"SetFavourite":    {run: func(tx *sqlmeta.Tx) { tx.SetFavourite(1, 10, true, s0); tx.SetFavourite(1, 10, false, s0) }},
		"IsFavourite":     {run: func(tx *sqlmeta.Tx) { tx.IsFavourite(1, 10) }},
		"Favourites":      {run: func(tx *sqlmeta.Tx) { tx.Favourites(1, 5, 10) }},
		"LastEvent":       {run: func(tx *sqlmeta.Tx) { tx.LastEvent() }},
		"EventStreams":    {sorts, func(tx *sqlmeta.Tx) { tx.EventStreams(1) }}, // DISTINCT
		"EventsFor":       {run: func(tx *sqlmeta.Tx) { tx.EventsFor(1, 1, 10) }},
		"ItemsIn from":    {run: func(tx *sqlmeta.Tx) { tx.ItemsIn(1, meta.ItemPage{Offset: 1, Limit: 10}) }},
		"ItemsIn from, by id": {run: func(tx *sqlmeta.Tx) {
			tx.ItemsIn(1, meta.ItemPage{Order: meta.ByID, Offset: 1, Limit: 10})
		}},
		"ItemsIn from, by date": {run: func(tx *sqlmeta.Tx) {
			tx.ItemsIn(1, meta.ItemPage{Order: meta.ByDate, Offset: 1, Limit: 10})
		}},
		"ItemsIn from, back": {run: func(tx *sqlmeta.Tx) {
			tx.ItemsIn(1, meta.ItemPage{Order: meta.BySize, Desc: true, Offset: 1, Limit: 10})
		}},
		"AllEvents": {run: func(tx *sqlmeta.Tx) {
			tx.AllEvents(1, meta.EventFilter{From: s0, Until: s0, Types: []content.EventType{"a"}}, 10)
		}},
		"InsertSharedLink":   {run: func(tx *sqlmeta.Tx) { tx.InsertSharedLink(meta.SharedLink{Item: 10, Token: "t", VanityKey: "v"}) }},
		"UpdateSharedLink":   {run: func(tx *sqlmeta.Tx) { tx.UpdateSharedLink(meta.SharedLink{Item: 10, VanityKey: "v"}) }},
		"SharedLink":         {run: func(tx *sqlmeta.Tx) { tx.SharedLink(10) }},
		"SharedLinkByToken":  {run: func(tx *sqlmeta.Tx) { tx.SharedLinkByToken("t") }},
		"SharedLinkByVanity": {run: func(tx *sqlmeta.Tx) { tx.SharedLinkByVanity("v") }},
		"DeleteSharedLink":   {run: func(tx *sqlmeta.Tx) { tx.DeleteSharedLink(10) }},
		"CountLinkUse":       {run: func(tx *sqlmeta.Tx) { tx.CountLinkUse(10, 1, 1) }},
		"EndedLinks":         {run: func(tx *sqlmeta.Tx) { tx.EndedLinks(s0, 10) }},
		"AllSharedLinks":     {run: func(tx *sqlmeta.Tx) { tx.AllSharedLinks(1, 10) }},
		"DropEvents":         {run: func(tx *sqlmeta.Tx) { tx.DropEvents(s0, 10) }},
		"Trashed":            {run: func(tx *sqlmeta.Tx) { tx.Trashed(1, meta.ItemPage{Limit: 10}) }},
		"Trashed, by size":   {sorts, func(tx *sqlmeta.Tx) { tx.Trashed(1, meta.ItemPage{Order: meta.BySize, Limit: 10}) }},
		"OldTrash":           {run: func(tx *sqlmeta.Tx) { tx.OldTrash(time.Now(), 10) }},
		"Children":           {run: func(tx *sqlmeta.Tx) { tx.Children(1, 10) }},
		"CountTrashed":       {run: func(tx *sqlmeta.Tx) { tx.CountTrashed(1) }},
		"DeleteItem":         {run: func(tx *sqlmeta.Tx) { tx.DeleteItem(10) }},
		"DeleteVersion":      {run: func(tx *sqlmeta.Tx) { tx.DeleteVersion(1) }},
		"InsertVersion":      {run: func(tx *sqlmeta.Tx) { tx.InsertVersion(meta.Version{ID: 1, File: 1}) }},
		"SetQuota":           {run: func(tx *sqlmeta.Tx) { tx.SetQuota(1, 1) }},
		"ItemsByID":          {run: func(tx *sqlmeta.Tx) { tx.ItemsByID([]content.ID{1, 2}) }},
		"AllItems":           {run: func(tx *sqlmeta.Tx) { tx.AllItems(1, 10) }},
		"Version":            {run: func(tx *sqlmeta.Tx) { tx.Version(1) }},
		"PastVersions":       {run: func(tx *sqlmeta.Tx) { tx.PastVersions(1, 0, 10) }},
		"CountPast":          {run: func(tx *sqlmeta.Tx) { tx.CountPastVersions(1) }},
		"AllVersions":        {run: func(tx *sqlmeta.Tx) { tx.AllVersions(1, 10) }},
		"Session":            {run: func(tx *sqlmeta.Tx) { tx.Session(id) }},
		"Find":               {run: func(tx *sqlmeta.Tx) { find(tx, 0, content.Term{Text: "a"}) }},
		"Find all of two": {run: func(tx *sqlmeta.Tx) {
			addWords(tx, "o", 3)
			find(tx, 0, content.Term{Text: "o0"}, content.Term{Text: "o1"})
		}},
		"Find below":        {run: func(tx *sqlmeta.Tx) { find(tx, 1, content.Term{Text: "a"}) }},
		"Find by prefix":    {run: func(tx *sqlmeta.Tx) { find(tx, 0, content.Term{Text: "a", Prefix: true}) }},
		"Find by two":       {run: func(tx *sqlmeta.Tx) { addWords(tx, "n", 2); find(tx, 0, content.Term{Text: "n", Prefix: true}) }},
		"Find by many":      {run: func(tx *sqlmeta.Tx) { addWords(tx, "m", 30); find(tx, 0, content.Term{Text: "m", Prefix: true}) }},
		"Places":            {run: func(tx *sqlmeta.Tx) { tx.Places([]content.ID{1}) }},
		"PutRecent":         {run: func(tx *sqlmeta.Tx) { tx.PutRecent(meta.Recent{User: 1, Item: 1}) }},
		"Recents":           {run: func(tx *sqlmeta.Tx) { tx.Recents(1, s0, meta.Recent{Item: 1}, 10) }},
		"DropRecents":       {run: func(tx *sqlmeta.Tx) { tx.DropRecents(1, 10, 10) }},
		"Reindex":           {run: func(tx *sqlmeta.Tx) { tx.Reindex(0, 10) }},
		"UpdateItem's name": {run: func(tx *sqlmeta.Tx) { tx.UpdateItem(meta.Item{ID: 10, Parent: 1, Owner: 1, Key: "e", Name: "e"}) }},
		"UpdateSession": {run: func(tx *sqlmeta.Tx) {
			tx.UpdateSession(meta.Session{Session: content.Session{ID: id, State: content.Open}})
		}},
		"SetFront":        {run: func(tx *sqlmeta.Tx) { tx.SetFront(id, content.Front{N: 64}) }},
		"CountOpen":       {run: func(tx *sqlmeta.Tx) { tx.CountOpen(1, s0) }},
		"Overdue":         {run: func(tx *sqlmeta.Tx) { tx.Overdue(s0, 10) }},
		"Forgettable":     {run: func(tx *sqlmeta.Tx) { tx.Forgettable(s0, 10) }},
		"InState":         {run: func(tx *sqlmeta.Tx) { tx.InState(content.Open, "", 10) }},
		"DeleteSession":   {run: func(tx *sqlmeta.Tx) { tx.DeleteSession(id) }},
		"AppendLog":       {run: func(tx *sqlmeta.Tx) { tx.AppendLog(id, content.LogEvent{}) }},
		"CountLog":        {run: func(tx *sqlmeta.Tx) { tx.CountLog(id) }},
		"Log":             {run: func(tx *sqlmeta.Tx) { tx.Log(id, 0, 10) }},
		"InsertBlob":      {run: func(tx *sqlmeta.Tx) { tx.InsertBlob(blob.Key(key), s0, nil) }},
		"Blob":            {run: func(tx *sqlmeta.Tx) { tx.Blob(blob.Key(key)) }},
		"BlobInfo":        {run: func(tx *sqlmeta.Tx) { tx.BlobInfo(blob.Key(key)) }},
		"Blobs":           {run: func(tx *sqlmeta.Tx) { tx.Blobs(1, 10) }},
		"DeleteBlobs":     {run: func(tx *sqlmeta.Tx) { tx.DeleteBlobs([]blob.Key{blob.Key(key)}) }},
		"Part":            {run: func(tx *sqlmeta.Tx) { tx.Part(1, 0) }},
		"Parts":           {run: func(tx *sqlmeta.Tx) { tx.Parts(1, 0, 10) }},
		"CountParts":      {run: func(tx *sqlmeta.Tx) { tx.CountParts(1) }},
		"SetAfter":        {run: func(tx *sqlmeta.Tx) { tx.SetAfter(1, 0, content.SHA1State{}) }},
		"DeleteParts":     {sorts, func(tx *sqlmeta.Tx) { insertPart(tx, 1); tx.DeleteParts(1, 10) }}, // DISTINCT
		"Refers":          {run: func(tx *sqlmeta.Tx) { tx.Refers("00000000000000000000000000000001") }},
		"OrphanManifests": {run: func(tx *sqlmeta.Tx) { tx.OrphanManifests(10) }},
		"SetSHA512":       {run: func(tx *sqlmeta.Tx) { tx.SetSHA512("00000000000000000000000000000001", content.SHA512{1}) }},
		"MatchSHA512":     {sorts, func(tx *sqlmeta.Tx) { tx.MatchSHA512(1, 2, content.SHA512{1}, 1, 10) }}, // the last term only
		"Unhashed":        {run: func(tx *sqlmeta.Tx) { tx.Unhashed(1, "", 10) }},
		"StoredBlobs":     {run: func(tx *sqlmeta.Tx) { tx.StoredBlobs("", 10) }},
		"MarkRotten":      {run: func(tx *sqlmeta.Tx) { tx.MarkRotten(meta.RottenBlob{Key: "00000000000000000000000000000001"}) }},
		"ClearRotten":     {run: func(tx *sqlmeta.Tx) { tx.ClearRotten("00000000000000000000000000000001") }},
		"IsRotten":        {run: func(tx *sqlmeta.Tx) { tx.IsRotten("00000000000000000000000000000001") }},
		"RottenBlobs":     {run: func(tx *sqlmeta.Tx) { tx.RottenBlobs("", 10) }},
		"RottenPart":      {sorts, func(tx *sqlmeta.Tx) { tx.RottenPart(1) }},                                         // the marked ones of a manifest
		"VersionsOn":      {sorts, func(tx *sqlmeta.Tx) { tx.VersionsOn("00000000000000000000000000000001", 0, 10) }}, // those of one blob
		"PutHold":         {run: func(tx *sqlmeta.Tx) { tx.PutHold("a", s0) }},
		"Hold":            {run: func(tx *sqlmeta.Tx) { tx.Hold("a") }},
		"DropHold":        {run: func(tx *sqlmeta.Tx) { tx.DropHold("a") }},
		"Held":            {run: func(tx *sqlmeta.Tx) { tx.Held(s0) }},
		"DropHolds":       {run: func(tx *sqlmeta.Tx) { tx.DropHolds(s0) }},
		"UnhashedIn":      {run: func(tx *sqlmeta.Tx) { tx.UnhashedIn(1, 10) }},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := connect(t.Context(), s.writeDB)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			p := &planner{Prepared: c.Prepared, t: t}
			tx := sqlmeta.New(t.Context(), p, &dialect)
			q.run(tx)
			for _, step := range p.steps {
				if m := scan.FindStringSubmatch(step); m != nil && !slices.Contains(ownTables, m[1]) && !strings.HasSuffix(m[1], "-ROW") {
					t.Errorf("goes over all of %s; the plan is\n%s", m[1], strings.Join(p.steps, "\n"))
				}
				if strings.Contains(step, "TEMP B-TREE") && !q.sorts {
					t.Errorf("sorts; the plan is\n%s", strings.Join(p.steps, "\n"))
				}
			}
			t.Log(strings.Join(p.steps, "\n"))
		})
	}
}

var s0 = time.Unix(1_900_000_000, 0)

func find(tx *sqlmeta.Tx, under content.ID, terms ...content.Term) {
	file := meta.File
	tx.Find(meta.Lookup{Owner: 1, Terms: terms, Kind: &file, Under: under, Limit: 10, Scan: 10})
}

func addWords(tx *sqlmeta.Tx, prefix string, n int) {
	name := ""
	for i := range n {
		name += fmt.Sprint(prefix, i, " ")
	}
	tx.InsertItem(meta.Item{ID: content.ID(50 + n), Parent: 1, Owner: 1, Key: name, Name: name})
}

func insertPart(tx *sqlmeta.Tx, m meta.Manifest) {
	tx.InsertPart(m, meta.Part{Part: content.Part{ID: "00000001", Span: content.Span{End: 1}}, Blob: "00000000000000000000000000000001"})
}
