package boxapi

// What the type key of a page of search results says.
const (
	TypeSearchResults      = "search_results_items"
	TypeSearchResultsLinks = "search_results_with_shared_links"
	TypeSearchResult       = "search_result"
)

// SearchResults is a page of what a search found.
type SearchResults struct {
	Type       string `json:"type"`        // TypeSearchResults
	TotalCount int64  `json:"total_count"` // may be less than there are, and is then above the page's last
	Limit      int    `json:"limit"`       // as applied
	Offset     int64  `json:"offset"`
	Entries    Items  `json:"entries" box:",items"`
}

// SearchResultsLinks is SearchResults for who asked for shared links too.
type SearchResultsLinks struct {
	Type       string             `json:"type"` // TypeSearchResultsLinks
	TotalCount int64              `json:"total_count"`
	Limit      int                `json:"limit"`
	Offset     int64              `json:"offset"`
	Entries    List[SearchResult] `json:"entries" box:",items"`
}

// SearchResult is an item, and the link through which the caller has it.
type SearchResult struct {
	AccessibleViaSharedLink NullString `json:"accessible_via_shared_link"`
	Item                    Item       `json:"item" box:",items"`
	Type                    string     `json:"type"` // TypeSearchResult
}
