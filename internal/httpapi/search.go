package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"boxcar/boxapi"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// Paging of searches.
const (
	defaultFound = 30
	maxFound     = 200
)

// search handles GET /search.
func (s *Server) search(c *call) error {
	q, err := c.search()
	if err != nil {
		return err
	}
	found, err := s.Tree.Search(c.Context(), c.who, q)
	if err != nil {
		return err
	}
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	entries := s.items(c, found.Items, view)
	if !strings.EqualFold(c.query("include_recent_shared_links"), "true") {
		return s.write(c, http.StatusOK, view.Show(boxapi.SearchResults{
			Type: boxapi.TypeSearchResults, TotalCount: found.Total, Limit: q.Limit, Offset: q.Offset, Entries: entries,
		}))
	}
	list := boxapi.SearchResultsLinks{Type: boxapi.TypeSearchResultsLinks, TotalCount: found.Total, Limit: q.Limit, Offset: q.Offset}
	for n, i := range entries {
		r := boxapi.SearchResult{Item: i, Type: boxapi.TypeSearchResult}
		if c.link != nil && content.NodeOf(found.Items[n]).OwnedBy.ID != c.who.User {
			link, _ := boxapi.ParseBoxAPI(c.Header.Get("BoxApi"))
			r.AccessibleViaSharedLink = boxapi.NullString(link)
		}
		list.Entries = append(list.Entries, r)
	}
	return s.write(c, http.StatusOK, view.Show(list))
}

// search is what the query asks for.
func (c *call) search() (q tree.Search, err error) {
	text := c.query("query")
	if strings.TrimSpace(text) == "" {
		return q, content.Errorf(content.BadRequest, "query is missing: nothing else says what to look for")
	}
	if q.Query, err = content.ParseQuery(text); err != nil {
		return q, err
	}
	offset, limit, err := c.page(defaultFound, maxFound, maxOffset)
	if err != nil {
		return q, err
	}
	q.Offset, q.Limit = offset, int(limit)

	if name := strings.ToLower(c.query("type")); name != "" {
		kind, ok := kindOfType(name)
		if !ok {
			return q, content.Errorf(content.BadRequest, "type can be file, folder or web_link, not %q", name)
		}
		q.Kind = &kind
	}
	if q.Folders, err = c.ids("ancestor_folder_ids"); err != nil {
		return q, err
	}
	if q.Owners, err = c.ids("owner_user_ids"); err != nil {
		return q, err
	}
	if q.Updaters, err = c.ids("recent_updater_user_ids"); err != nil {
		return q, err
	}
	for _, e := range c.list("file_extensions") {
		if e = strings.TrimPrefix(e, "."); e != "" {
			q.Extensions = append(q.Extensions, e)
		}
	}
	if in := c.list("content_types"); len(in) > 0 {
		for _, name := range in {
			if !slices.Contains([]string{"name", "description", "file_content", "comments", "tags"}, name) {
				return q, content.Errorf(content.BadRequest, "content_types can be name, description, file_content, comments and tags, not %q", name)
			}
		}
		q.NoNames = !slices.Contains(in, "name")
		q.NoDescriptions = !slices.Contains(in, "description")
		q.NoTags = !slices.Contains(in, "tags")
	}
	if q.Created, err = c.span("created_at_range"); err != nil {
		return q, err
	}
	if q.Updated, err = c.span("updated_at_range"); err != nil {
		return q, err
	}
	if q.Sizes, err = c.sizes("size_range"); err != nil {
		return q, err
	}
	switch v := strings.ToLower(c.query("trash_content")); v {
	case "", "non_trashed_only":
	case "trashed_only":
		q.Trash = tree.OnlyTrash
	case "all_items":
		q.Trash = tree.TrashToo
	default:
		return q, content.Errorf(content.BadRequest, "trash_content can be non_trashed_only, trashed_only or all_items, not %q", v)
	}
	switch v := strings.ToLower(c.query("scope")); v {
	case "", "user_content":
	case "enterprise_content":
		q.Enterprise = true
	default:
		return q, content.Errorf(content.BadRequest, "scope can be user_content or enterprise_content, not %q", v)
	}
	switch v := strings.ToLower(c.query("sort")); v {
	case "", "relevance":
	case "modified_at":
		q.ByDate = true
	default:
		return q, content.Errorf(content.BadRequest, "sort can be relevance or modified_at, not %q", v)
	}
	switch v := strings.ToUpper(c.query("direction")); v {
	case "", "DESC":
	case "ASC":
		q.Asc = true
	default:
		return q, content.Errorf(content.BadRequest, "direction can be ASC or DESC, not %q", v)
	}
	return q, nil
}

// maxList is how many values a list in a query may have.
const maxList = 500

// list is a parameter of the query with commas, or one that is there more than once.
func (c *call) list(name string) (values []string) {
	for _, v := range strings.Split(strings.Join(c.URL.Query()[name], ","), ",") {
		if v = strings.TrimSpace(v); v != "" && len(values) < maxList {
			values = append(values, v)
		}
	}
	return values
}

func (c *call) ids(name string) (ids []content.ID, err error) {
	for _, v := range c.list(name) {
		id, err := content.ParseID(v)
		if err != nil {
			return nil, content.Errorf(content.BadRequest, "%s has %q, and ids are decimal digits", name, v)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// ends are the two ends of a range, either of which may be empty.
func (c *call) ends(name string) (from, until string, err error) {
	text := c.query(name)
	if text == "" {
		return "", "", nil
	}
	from, until, ok := strings.Cut(text, ",")
	if !ok || strings.Contains(until, ",") {
		return "", "", content.Errorf(content.BadRequest, "%s is two values with a comma between them, not %q", name, text)
	}
	return strings.TrimSpace(from), strings.TrimSpace(until), nil
}

func (c *call) span(name string) (span tree.Span, err error) {
	from, until, err := c.ends(name)
	if err != nil {
		return span, err
	}
	if span.From, err = moment(name, from); err != nil {
		return span, err
	}
	span.Until, err = moment(name, until)
	if !span.Until.IsZero() {
		span.Until = span.Until.Add(time.Second - 1) // the wire has whole seconds
	}
	return span, err
}

// moment is a time in the query; "" is none.
func moment(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	// A plus sign that was not encoded has become a space.
	if i := strings.LastIndexByte(text, ' '); i > len("2012-12-12 ") {
		text = text[:i] + "+" + text[i+1:]
	}
	t, err := boxapi.ParseTime(text)
	if err != nil {
		return t, content.Errorf(content.BadRequest, "%s: %v", name, err)
	}
	return t, nil
}

func (c *call) sizes(name string) (sizes tree.Sizes, err error) {
	from, until, err := c.ends(name)
	if err != nil {
		return sizes, err
	}
	for _, end := range []struct {
		text string
		into **int64
	}{{from, &sizes.From}, {until, &sizes.Until}} {
		if end.text == "" {
			continue
		}
		n, err := strconv.ParseInt(end.text, 10, 64)
		if err != nil || n < 0 {
			return sizes, content.Errorf(content.BadRequest, "%s has %q, and sizes are numbers of bytes", name, end.text)
		}
		*end.into = &n
	}
	return sizes, nil
}
