package client

import "net/http"

// Transport is a new transport like the one that a Client without Config.HTTP has,
// for who wants to change something about it.
func Transport() *http.Transport { return defaultTransport() }
