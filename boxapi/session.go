package boxapi

import (
	"encoding/json"
	"math"
)

// CreateSession is the body of POST /files/upload_sessions and of POST
// /files/:id/upload_sessions.
type CreateSession struct {
	FolderID ID    `json:"folder_id,omitzero"` // for a version: where to move the file
	FileID   ID    `json:"file_id,omitzero"`   // repeats the path; ignored
	FileName *Name `json:"file_name,omitzero"` // for a version: the new name, if any
	FileSize Count `json:"file_size"`
}

// UploadSession is the reply to creating a session and to asking for it.
type UploadSession struct {
	TotalParts        int              `json:"total_parts"`
	PartSize          int64            `json:"part_size"` // bytes, below 2^31: one client reads an int32
	SessionEndpoints  SessionEndpoints `json:"session_endpoints"`
	SessionExpiresAt  TimeZ            `json:"session_expires_at"`
	ID                string           `json:"id"`
	Type              string           `json:"type"` // TypeUploadSession
	NumPartsProcessed int              `json:"num_parts_processed"`
}

// SessionEndpoints are absolute URLs. Many clients go where these point rather
// than build URLs from the id.
type SessionEndpoints struct {
	ListParts  string `json:"list_parts"`
	Commit     string `json:"commit"`
	LogEvent   string `json:"log_event"`
	Plan       string `json:"plan"`
	UploadPart string `json:"upload_part"`
	Status     string `json:"status"`
	Abort      string `json:"abort"`
}

// EndpointsOf builds the endpoints of a session below base, such as
// "https://up.example.net/api/2.0", without a slash at its end.
func EndpointsOf(base, sessionID string) SessionEndpoints {
	session := base + "/files/upload_sessions/" + sessionID
	return SessionEndpoints{
		ListParts:  session + "/parts",
		Commit:     session + "/commit",
		LogEvent:   session + "/log",
		Plan:       session + "/plan",
		UploadPart: session,
		Status:     session,
		Abort:      session,
	}
}

// Part is a part that the server has.
type Part struct {
	PartID string `json:"part_id"` // 8 upper-case hex digits
	Offset int64  `json:"offset"`  // bytes from the start of the file
	Size   int64  `json:"size"`    // bytes
	SHA1   string `json:"sha1"`    // 40 lower-case hex digits, though headers have base64
}

// PartReply is the reply to uploading a part.
type PartReply struct {
	Part Part `json:"part"`
}

// PartList is a page of the parts of a session, by offset.
type PartList struct {
	Entries    List[Part]  `json:"entries"`
	Offset     int         `json:"offset"`      // the first slot asked for, a number of parts and not of bytes
	Limit      int         `json:"limit"`       // entries, as applied
	TotalCount int         `json:"total_count"` // parts expected, however many there are
	Order      List[Order] `json:"order"`
}

// Commit is the body of POST /files/upload_sessions/:id/commit.
type Commit struct {
	Parts      []CommitPart `json:"parts"` // nil if absent, empty if []
	Attributes *Attributes  `json:"attributes,omitzero"`
}

// CommitPart is a part as the client lists it.
type CommitPart struct {
	PartID string  `json:"part_id"`
	Offset int64   `json:"offset"` // bytes; negative if absent
	Size   int64   `json:"size"`   // bytes; negative if absent
	SHA1   *string `json:"sha1,omitzero"`
}

// absent stands for a number that was not sent where 0 would mean something.
const absent = math.MinInt64

// UnmarshalJSON tells an absent offset or size from 0.
func (p *CommitPart) UnmarshalJSON(data []byte) error {
	type plain CommitPart
	sent := plain{Offset: absent, Size: absent}
	err := json.Unmarshal(data, &sent)
	*p = CommitPart(sent)
	return err
}

// String is the part as the message of CodePartsMismatch quotes it, in JSON with
// all four keys.
func (p CommitPart) String() string {
	number := func(n int64) *int64 {
		if n == absent {
			return nil
		}
		return &n
	}
	text, err := EncodeJSON(struct {
		PartID string  `json:"part_id"`
		Offset *int64  `json:"offset"`
		Size   *int64  `json:"size"`
		SHA1   *string `json:"sha1"`
	}{p.PartID, number(p.Offset), number(p.Size), p.SHA1})
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Plan is the body of POST /files/upload_sessions/:id/plan: the parts a client
// is about to send.
type Plan struct {
	Parts []PlanPart `json:"parts"` // at least one
}

// PlanPart is a run of the file and its digest. In a request PartID is ignored.
type PlanPart struct {
	Offset int64  `json:"offset"` // bytes; negative if absent
	Size   int64  `json:"size"`   // bytes; negative if absent
	SHA512 string `json:"sha512"` // 128 hex digits
	PartID string `json:"part_id,omitzero"`
}

// UnmarshalJSON tells an absent offset or size from 0.
func (p *PlanPart) UnmarshalJSON(data []byte) error {
	type plain PlanPart
	sent := plain{Offset: absent, Size: absent}
	err := json.Unmarshal(data, &sent)
	*p = PlanPart(sent)
	return err
}

// PlanReply tells the parts that are now in the session from those that have to
// be sent.
type PlanReply struct {
	UploadSessionID string         `json:"upload_session_id"`
	Hits            List[PlanPart] `json:"hits"` // with their PartID
	Misses          List[PlanPart] `json:"misses"`
}

// LogEvent is the body of POST /files/upload_sessions/:id/log.
type LogEvent struct {
	EventType string `json:"event_type"`
	EventInfo string `json:"event_info,omitzero"` // JSON, as text
}

// SessionLog is the reply to GET /files/upload_sessions/:id/log.
type SessionLog struct {
	Entries    List[SessionLogEntry] `json:"entries"`
	NextMarker NullString            `json:"next_marker"`
}

// SessionLogEntry is one thing that happened to a session. Keys that do not
// apply are left out.
type SessionLogEntry struct {
	At      Time   `json:"at"`
	Event   string `json:"event"`
	PartID  string `json:"part_id,omitzero"`
	Offset  *int64 `json:"offset,omitzero"` // bytes
	Size    *int64 `json:"size,omitzero"`   // bytes
	SHA1    string `json:"sha1,omitzero"`
	Status  int    `json:"status,omitzero"` // the HTTP status that was answered
	Code    string `json:"code,omitzero"`
	Message string `json:"message,omitzero"`
}
