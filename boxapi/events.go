package boxapi

// What the type key of these objects says.
const (
	TypeEvent          = "event"
	TypeRealtimeServer = "realtime_server"
	TypeRecentItem     = "recent_item"
)

// Event is something that happened.
type Event struct {
	Type              string            `json:"type"`     // TypeEvent
	EventID           string            `json:"event_id"` // hex, of this event alone
	EventType         string            `json:"event_type"`
	CreatedAt         Time              `json:"created_at"`
	RecordedAt        Time              `json:"recorded_at"`
	CreatedBy         UserMini          `json:"created_by"`
	SessionID         NullString        `json:"session_id"`
	Source            any               `json:"source" box:",items"` // an Item, or an *EventSource for administrators
	AdditionalDetails map[string]string `json:"additional_details"`  // null for none
}

// EventSource is the item of an event as administrators see it.
type EventSource struct {
	ItemType string      `json:"item_type"`
	ItemID   ID          `json:"item_id"`
	ItemName string      `json:"item_name"`
	Parent   *FolderMini `json:"parent"`
	OwnedBy  UserMini    `json:"owned_by"`
}

// Events is a part of a stream of events.
type Events struct {
	ChunkSize          int         `json:"chunk_size"`           // how many entries there are
	NextStreamPosition int64       `json:"next_stream_position"` // never 0
	Entries            List[Event] `json:"entries" box:",items"`
}

// RealtimeServers says where to wait for events.
type RealtimeServers struct {
	ChunkSize int                  `json:"chunk_size"`
	Entries   List[RealtimeServer] `json:"entries"`
}

// RealtimeServer is one address to wait at. Two of its numbers are strings.
type RealtimeServer struct {
	Type         string `json:"type"` // TypeRealtimeServer
	URL          string `json:"url"`  // absolute; stream_position is to be added
	TTL          string `json:"ttl"`
	MaxRetries   string `json:"max_retries"`
	RetryTimeout int    `json:"retry_timeout"` // seconds
}

// What the end of waiting for events says.
const (
	MessageNewChange = "new_change"
	MessageReconnect = "reconnect"
)

// RealtimeMessage is the answer to who waited for events.
type RealtimeMessage struct {
	Message string `json:"message"`
}

// RecentItems is a page of what a user had to do with lately.
type RecentItems struct {
	Entries    List[RecentItem] `json:"entries" box:",items"`
	Limit      int              `json:"limit"`                // as applied
	NextMarker NullString       `json:"next_marker,omitzero"` // absent on the last page
	Order      Order            `json:"order"`                // an object here
}

// RecentItem is an item, and what was done to it last.
type RecentItem struct {
	Type                  string     `json:"type"`             // TypeRecentItem
	InteractionType       string     `json:"interaction_type"` // such as "item_upload"
	InteractedAt          Time       `json:"interacted_at"`
	Item                  Item       `json:"item" box:",items"`
	InteractionSharedLink NullString `json:"interaction_shared_link"` // null if not through a link
}
