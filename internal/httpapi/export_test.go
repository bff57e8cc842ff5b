package httpapi

// Routes are the method and pattern of every route, and whether it takes
// callers without a token.
func Routes() map[string]bool {
	all := map[string]bool{}
	for _, r := range New(Config{}).routes {
		all[r.method+" "+r.name] = r.open
	}
	return all
}
