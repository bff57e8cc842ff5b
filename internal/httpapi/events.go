package httpapi

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"boxcar/boxapi"
	"boxcar/internal/auth"
	"boxcar/internal/content"
	"boxcar/internal/tree"
)

// Paging of events.
const (
	defaultEvents = 100
	maxEvents     = 500
)

// Positions on the wire are one more than ours: behind which events come. So
// none is 0, which clients take for none, and 0 and 1 both mean the beginning.
func wirePosition(position int64) int64 { return position + 1 }

// position is stream_position; now says that it is where the stream ends.
func (c *call) position(absent string) (position int64, now bool, err error) {
	text := c.query("stream_position")
	if text == "" || strings.EqualFold(text, "null") {
		text = absent
	}
	if strings.EqualFold(text, "now") {
		return 0, true, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, false, content.Errorf(content.BadRequest, "stream_position can be now, 0 or one that this server gave out, not %.40q", text)
	}
	return max(0, int64(n)-1), false, nil
}

// listEvents handles GET /events.
func (s *Server) listEvents(c *call) error {
	q := tree.EventQuery{}
	var types []string
	var err error
	switch stream := strings.ToLower(c.query("stream_type")); stream {
	case "", "all":
	case "changes", "sync":
		q.Stream = tree.TreeEvents
	case "admin_logs", "admin_logs_streaming":
		q.Stream = tree.AdminEvents
		types = c.list("event_type")
		if stream == "admin_logs" {
			if q.From, err = moment("created_after", c.query("created_after")); err != nil {
				return err
			}
			if q.Until, err = moment("created_before", c.query("created_before")); err != nil {
				return err
			}
		}
	default:
		return content.Errorf(content.BadRequest, "stream_type can be all, changes, sync, admin_logs or admin_logs_streaming, not %q", stream)
	}
	limit, err := c.number("limit", defaultEvents, 0, content.InvalidLimit)
	if err != nil {
		return err
	}
	q.Limit = int(min(limit, maxEvents))
	after, now, err := c.position("0")
	if err != nil {
		return err
	}
	q.After = after
	known := true
	if len(types) > 0 {
		q.Types, known = recordedAs(types)
		q.Keep = func(e content.Event) bool { return slices.Contains(types, adminType(e)) }
	}
	if now || !known {
		last, err := s.Tree.LastEvent(c.Context(), c.who, q.Stream)
		if err != nil {
			return err
		}
		return s.write(c, http.StatusOK, boxapi.Events{NextStreamPosition: wirePosition(last)})
	}
	page, err := s.Tree.Events(c.Context(), c.who, q)
	if err != nil {
		return err
	}
	out := boxapi.Events{ChunkSize: len(page.Events), NextStreamPosition: wirePosition(page.Next)}
	view := boxapi.View{Level: boxapi.LevelStandard}
	for _, e := range page.Events {
		one := boxapi.Event{
			Type: boxapi.TypeEvent, EventID: e.ID, EventType: string(e.Type),
			CreatedAt: boxapi.Time{Time: e.At}, RecordedAt: boxapi.Time{Time: e.At}, CreatedBy: userMini(e.By), AdditionalDetails: e.Details,
		}
		if q.Stream == tree.AdminEvents {
			one.EventType = adminType(e)
			if e.About != nil {
				one.Source = userMini(*e.About)
			} else {
				one.Source = adminSource(e.Source)
			}
		} else {
			one.Source = s.shown(c, e.Source, view)
		}
		out.Entries = append(out.Entries, one)
	}
	return s.write(c, http.StatusOK, view.Show(out))
}

// adminTypes are what administrators call the events.
var adminTypes = map[content.EventType]string{
	content.ItemCreate:             "UPLOAD",
	content.ItemUpload:             "UPLOAD",
	content.ItemRename:             "RENAME",
	content.ItemMove:               "MOVE",
	content.ItemCopy:               "COPY",
	content.ItemTrash:              "DELETE",
	content.ItemUndeleteViaTrash:   "UNDELETE",
	content.ItemModify:             "ITEM_MODIFY",
	content.ItemMakeCurrentVersion: "FILE_VERSION_RESTORE",
	content.LockCreate:             "LOCK",
	content.LockDestroy:            "UNLOCK",
	content.ItemSharedCreate:       "SHARE",
	content.ItemShared:             "ITEM_SHARED_UPDATE",
	content.ItemSharedUnshare:      "UNSHARE",
	content.ItemDownload:           "DOWNLOAD",
	content.ItemPreview:            "PREVIEW",
	content.FileVersionDelete:      "ITEM_MODIFY",
	content.FileVersionRestore:     "FILE_VERSION_RESTORE",
	content.ItemPurge:              "DELETE",
	content.NewUser:                "NEW_USER",
	content.EditUser:               "EDIT_USER",
	content.DeleteUser:             "DELETE_USER",
}

const adminEdit = "EDIT" // a new version

func adminType(e content.Event) string {
	if f, ok := e.Source.(*content.File); ok && e.Type == content.ItemUpload && f.VersionNumber > 1 {
		return adminEdit
	}
	if name, ok := adminTypes[e.Type]; ok {
		return name
	}
	return string(e.Type)
}

// recordedAs are the events that may be any of those of administrators; false
// if none may.
func recordedAs(names []string) (types []content.EventType, any bool) {
	for t, name := range adminTypes {
		if slices.Contains(names, name) || t == content.ItemUpload && slices.Contains(names, adminEdit) {
			types = append(types, t)
		}
	}
	slices.Sort(types)
	return types, len(types) > 0
}

func adminSource(item content.Item) *boxapi.EventSource {
	n := content.NodeOf(item)
	out := &boxapi.EventSource{ItemType: typeOf(item), ItemID: wireID(n.ID), ItemName: n.Name, OwnedBy: userMini(n.OwnedBy)}
	if n.Parent != nil {
		parent := folderMini(n.Parent)
		out.Parent = &parent
	}
	return out
}

func typeOf(item content.Item) string {
	switch item.(type) {
	case *content.Folder:
		return boxapi.TypeFolder
	case *content.WebLink:
		return boxapi.TypeWebLink
	}
	return boxapi.TypeFile
}

// followPath is where one waits for events, below /2.0.
const followPath = "/events/follow/"

const (
	retryTimeout = 610 // seconds after which clients give up on an answer
	maxRetries   = 10
	// followLife is how long such a URL is good: for all the times that clients use it.
	followLife = (maxRetries + 2) * retryTimeout * time.Second
)

// realtime handles OPTIONS /events: where to wait for them. The URL needs no
// token; one that comes along does no harm.
func (s *Server) realtime(c *call) error {
	if err := content.AllowRight(c.who, content.ReadEvents); err != nil {
		return err
	}
	grant := s.Auth.Sign(auth.Grant{User: c.who.User, Until: s.Now().Add(followLife), Use: auth.ForEvents})
	return s.write(c, http.StatusOK, boxapi.RealtimeServers{ChunkSize: 1, Entries: boxapi.List[boxapi.RealtimeServer]{{
		Type: boxapi.TypeRealtimeServer, URL: s.origins(c.Request).at(hostAPI) + "/2.0" + followPath + grant,
		TTL: "10", MaxRetries: strconv.Itoa(maxRetries), RetryTimeout: retryTimeout,
	}}})
}

// follow handles a URL that realtime made: it answers when something has
// happened, or after a while.
func (s *Server) follow(c *call) error {
	// Some clients add the position with an & though there is no ?.
	grant, rest, ok := strings.Cut(c.param("grant"), "&")
	if ok {
		c.URL.RawQuery += "&" + rest
	}
	_, who, err := s.Auth.Grant(c.Context(), grant, auth.ForEvents)
	if content.Is(err, content.TokenExpired) {
		return s.write(c, http.StatusOK, boxapi.RealtimeMessage{Message: boxapi.MessageReconnect})
	}
	if err != nil {
		return err
	}
	c.who = who
	after, now, err := c.position("now")
	if err != nil {
		return err
	}
	if now {
		if after, err = s.Tree.LastEvent(c.Context(), who, tree.AllEvents); err != nil {
			return err
		}
	}
	changed, err := s.Tree.Wait(c.Context(), who.User, after, s.Limits.EventWait)
	message := boxapi.MessageReconnect
	switch {
	case c.Context().Err() != nil: // nobody is there to tell
	case err != nil:
		return err
	case changed:
		message = boxapi.MessageNewChange
	}
	return s.write(c, http.StatusOK, boxapi.RealtimeMessage{Message: message})
}

// interactionTypes are what was done to recent items, in Box's words.
var interactionTypes = map[content.EventType]string{
	content.ItemCreate:   "item_upload",
	content.ItemUpload:   "item_upload",
	content.ItemCopy:     "item_upload",
	content.ItemDownload: "item_open",
	content.ItemPreview:  "item_preview",
}

// listRecents handles GET /recent_items.
func (s *Server) listRecents(c *call) error {
	limit, err := c.number("limit", defaultLimit, 1, content.InvalidLimit)
	if err != nil {
		return err
	}
	after, err := parseRecent(c.query("marker"))
	if err != nil {
		return err
	}
	limit = min(limit, maxLimit)
	list, next, err := s.Tree.Recents(c.Context(), c.who, after, int(limit))
	if err != nil {
		return err
	}
	view := boxapi.View{Level: boxapi.LevelMini, Fields: c.fields()}
	out := boxapi.RecentItems{Limit: int(limit), NextMarker: formatRecent(next), Order: boxapi.Order{By: "interacted_at", Direction: "DESC"}}
	for _, r := range list {
		one := boxapi.RecentItem{
			Type: boxapi.TypeRecentItem, InteractionType: "item_modify", InteractedAt: boxapi.Time{Time: r.At}, Item: s.shown(c, r.Item, view),
		}
		if name, ok := interactionTypes[r.Kind]; ok {
			one.InteractionType = name
		}
		if l := content.NodeOf(r.Item).Link; r.Link && l != nil {
			one.InteractionSharedLink = boxapi.NullString(s.origins(c.Request).app() + linkPath + url.PathEscape(l.Token))
		}
		out.Entries = append(out.Entries, one)
	}
	return s.write(c, http.StatusOK, view.Show(out))
}

func formatRecent(m *tree.RecentMark) boxapi.NullString {
	if m == nil {
		return ""
	}
	return boxapi.NullString(base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d", m.At.UnixMicro(), m.Item)))
}

func parseRecent(text string) (*tree.RecentMark, error) {
	if text == "" || text == "0" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	at, item, ok := strings.Cut(string(b), " ")
	micros, atErr := strconv.ParseInt(at, 10, 64)
	id, idErr := content.ParseID(item)
	if err != nil || !ok || atErr != nil || idErr != nil || id == 0 {
		return nil, content.Errorf(content.BadRequest, "marker %.100q is not one that this server gave out", text)
	}
	return &tree.RecentMark{At: time.UnixMicro(micros).UTC(), Item: id}, nil
}
