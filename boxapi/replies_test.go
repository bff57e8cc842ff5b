package boxapi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

const (
	aSHA1 = "9a9fa44b7956d45d32f6100c737a9b44309cd557"
	aHex  = "3f2a" // digests of plans are longer, but nobody here counts
)

func at(s string) Time { return Time{must(ParseTime(s))} }

func aUser() UserMini {
	return UserMini{Type: TypeUser, ID: "31007", Name: "A User", Login: "user@example.net"}
}

func aFile() File {
	lidar := FolderMini{Type: TypeFolder, ID: "4410029", SequenceID: "2", Etag: "2", Name: "lidar"}
	return File{
		FileMini: FileMini{Type: TypeFile, ID: "770001234", SequenceID: "3", Etag: "3", SHA1: aSHA1, Name: "survey-b.laz",
			FileVersion: &FileVersionMini{Type: TypeFileVersion, ID: "880005678", SHA1: aSHA1}},
		Description:       "third pass",
		Size:              25000000,
		PathCollection:    PathOf(Root(), lidar),
		CreatedAt:         at("2031-03-02T04:05:40Z"),
		ModifiedAt:        at("2031-03-02T04:05:40Z"),
		ContentCreatedAt:  at("2031-03-02T04:05:40Z"),
		ContentModifiedAt: at("2031-02-28T21:00:00-03:00"),
		CreatedBy:         aUser(),
		ModifiedBy:        aUser(),
		OwnedBy:           aUser(),
		Parent:            &lidar,
		ItemStatus:        StatusActive,
	}
}

// TestReplies holds each reply to the wire, byte for byte: key names, nulls, and
// what is a string and what a number. The keys come in the order in which the
// protocol's description prints them.
func TestReplies(t *testing.T) {
	const base = "https://up.example.net/api/2.0/files/upload_sessions/8A67639F74080F56C5AA328F676226E2"
	const id = "8A67639F74080F56C5AA328F676226E2"
	session := UploadSession{
		TotalParts: 3, PartSize: 8388608, SessionEndpoints: EndpointsOf("https://up.example.net/api/2.0", id),
		SessionExpiresAt: TimeZ{time.Date(2031, 3, 9, 4, 5, 6, 0, time.UTC)}, ID: id, Type: TypeUploadSession,
	}
	part := Part{PartID: "8E3B1C77", Offset: 8388608, Size: 8388608, SHA1: aSHA1}
	const partText = `{"part_id":"8E3B1C77","offset":8388608,"size":8388608,"sha1":"` + aSHA1 + `"}`
	const userText = `{"type":"user","id":"31007","name":"A User","login":"user@example.net"}`
	const lidarText = `{"type":"folder","id":"4410029","sequence_id":"2","etag":"2","name":"lidar"}`
	const rootText = `{"type":"folder","id":"0","sequence_id":null,"etag":null,"name":"All Files"}`
	const nobody = `{"type":"user","id":"","name":"","login":""}`
	const versionText = `{"type":"file_version","id":"880005678","sha1":"` + aSHA1 + `"}`
	const miniText = `{"type":"file","id":"770001234","file_version":` + versionText + `,"sequence_id":"3","etag":"3","sha1":"` + aSHA1 + `","name":"survey-b.laz"}`
	zero := int64(0)
	yes := true
	file := aFile()

	for _, c := range []struct {
		what  string
		reply any
		want  string
	}{
		{"a session: all seven endpoints, and an expiry that ends in Z", session,
			`{"total_parts":3,"part_size":8388608,"session_endpoints":{"list_parts":"` + base + `/parts","commit":"` + base + `/commit","log_event":"` + base +
				`/log","plan":"` + base + `/plan","upload_part":"` + base + `","status":"` + base + `","abort":"` + base +
				`"},"session_expires_at":"2031-03-09T04:05:06Z","id":"` + id + `","type":"upload_session","num_parts_processed":0}`},
		{"a part, wrapped", PartReply{part}, `{"part":` + partText + `}`},
		{"the trailing empty part: 0 is written", PartReply{Part{PartID: "00000000"}}, `{"part":{"part_id":"00000000","offset":0,"size":0,"sha1":""}}`},
		{"parts", PartList{Entries: List[Part]{part}, Limit: 1000, TotalCount: 3, Order: List[Order]{{"type", "ASC"}}},
			`{"entries":[` + partText + `],"offset":0,"limit":1000,"total_count":3,"order":[{"by":"type","direction":"ASC"}]}`},
		{"no parts: a list is never null", PartList{}, `{"entries":[],"offset":0,"limit":0,"total_count":0,"order":[]}`},
		{"a plan", PlanReply{id, List[PlanPart]{{0, 8, aHex, "36A23E23"}}, List[PlanPart]{{8, 8, aHex, ""}}},
			`{"upload_session_id":"` + id + `","hits":[{"offset":0,"size":8,"sha512":"3f2a","part_id":"36A23E23"}],"misses":[{"offset":8,"size":8,"sha512":"3f2a"}]}`},
		{"an empty plan: all keys are required", PlanReply{UploadSessionID: id}, `{"upload_session_id":"` + id + `","hits":[],"misses":[]}`},
		{"a log: keys that do not apply are left out, 0 is not", SessionLog{Entries: List[SessionLogEntry]{
			{At: at("2031-03-02T04:05:40Z"), Event: "created"},
			{At: at("2031-03-02T04:05:41Z"), Event: "part", PartID: "36A23E23", Offset: &zero, Size: &zero, SHA1: "5a", Status: 416, Code: CodeRangeNotSatisfiable, Message: "m"}}},
			`{"entries":[{"at":"2031-03-02T04:05:40+00:00","event":"created"},` +
				`{"at":"2031-03-02T04:05:41+00:00","event":"part","part_id":"36A23E23","offset":0,"size":0,"sha1":"5a","status":416,"code":"range_not_satisfiable","message":"m"}],"next_marker":null}`},
		{"a preflight", PreflightReply{UploadURL: "https://up.example.net/api/2.0/files/content"},
			`{"upload_url":"https://up.example.net/api/2.0/files/content","upload_token":null}`},
		{"an upload, in the Standard form even if nobody asks for one", Files{1, List[File]{file}},
			`{"total_count":1,"entries":[{"type":"file","id":"770001234","file_version":` + versionText + `,"sequence_id":"3","etag":"3","sha1":"` + aSHA1 +
				`","name":"survey-b.laz","description":"third pass","size":25000000,"path_collection":{"total_count":2,"entries":[` + rootText + `,` + lidarText +
				`]},"created_at":"2031-03-02T04:05:40+00:00","modified_at":"2031-03-02T04:05:40+00:00","trashed_at":null,"purged_at":null,` +
				`"content_created_at":"2031-03-02T04:05:40+00:00","content_modified_at":"2031-03-01T00:00:00+00:00","created_by":` + userText + `,"modified_by":` + userText +
				`,"owned_by":` + userText + `,"shared_link":null,"parent":` + lidarText + `,"item_status":"active"}]}`},
		{"the root", Folder{FolderMini: Root(), Size: 12, CreatedBy: UserMini{Type: TypeUser}, ModifiedBy: aUser(), OwnedBy: aUser(), ItemStatus: StatusActive,
			ItemCollection: &ItemCollection{TotalCount: 1, Entries: Items{&file}, Limit: 100, Order: List[Order]{{"type", "ASC"}, {"name", "ASC"}}}},
			`{"type":"folder","id":"0","sequence_id":null,"etag":null,"name":"All Files","created_at":null,"modified_at":null,"description":"","size":12,` +
				`"path_collection":{"total_count":0,"entries":[]},"created_by":` + nobody + `,"modified_by":` + userText + `,"trashed_at":null,"purged_at":null,` +
				`"content_created_at":null,"content_modified_at":null,"owned_by":` + userText + `,"shared_link":null,"folder_upload_email":null,"parent":null,"item_status":"active",` +
				`"item_collection":{"total_count":1,"entries":[` + miniText + `],"offset":0,"limit":100,"order":[{"by":"type","direction":"ASC"},{"by":"name","direction":"ASC"}]}}`},
		{"the last page by marker: absent, neither null nor the empty string", ItemsByMarker{Limit: 100}, `{"entries":[],"limit":100}`},
		{"a page by marker that is not the last", ItemsByMarker{Limit: 100, NextMarker: "m<1"}, `{"entries":[],"limit":100,"next_marker":"m<1"}`},
		{"versions", FileVersions{TotalCount: 1, Limit: 1000, Entries: List[FileVersion]{{FileVersionMini: *file.FileVersion, Name: "survey-b.laz", Size: 7, CreatedAt: file.CreatedAt, ModifiedAt: file.CreatedAt, ModifiedBy: aUser(), UploaderDisplayName: "A User"}}},
			`{"total_count":1,"entries":[{"type":"file_version","id":"880005678","sha1":"` + aSHA1 + `","name":"survey-b.laz","size":7,"created_at":"2031-03-02T04:05:40+00:00","modified_at":"2031-03-02T04:05:40+00:00","modified_by":` + userText +
				`,"trashed_at":null,"restored_at":null,"purged_at":null,"uploader_display_name":"A User"}],"limit":1000,"offset":0}`},
		{"a user asked for the enterprise", View{Level: LevelStandard, Fields: ParseFields("enterprise,is_sync_enabled")}.Show(User{UserMini: aUser(), IsSyncEnabled: &yes, Enterprise: &Enterprise{TypeEnterprise, "7", "E"}}),
			`{"type":"user","id":"31007","is_sync_enabled":true,"enterprise":{"type":"enterprise","id":"7","name":"E"}}`},
		{"a user: sizes are numbers", User{UserMini: aUser(), CreatedAt: file.CreatedAt, ModifiedAt: file.CreatedAt, Language: "en", Timezone: "UTC", SpaceAmount: 1 << 50, Status: "active", AvatarURL: "https://x"},
			`{"type":"user","id":"31007","name":"A User","login":"user@example.net","created_at":"2031-03-02T04:05:40+00:00","modified_at":"2031-03-02T04:05:40+00:00","language":"en","timezone":"UTC",` +
				`"space_amount":1125899906842624,"space_used":0,"max_upload_size":0,"status":"active","job_title":"","phone":"","address":"","avatar_url":"https://x","notification_email":null}`},
		{"a shared link: all keys are there", SharedLink{URL: "https://box.example.net/s/ab", Access: "open", EffectiveAccess: "open", EffectivePermission: "can_download"},
			`{"url":"https://box.example.net/s/ab","download_url":null,"vanity_url":null,"vanity_name":null,"effective_access":"open","effective_permission":"can_download","is_password_enabled":false,"unshared_at":null,"download_count":0,"preview_count":0,"access":"open","permissions":{"can_preview":false,"can_download":false,"can_edit":false}}`},
		{"an error without context", Error{Type: TypeError, Status: 404, Code: CodeNotFound, HelpURL: HelpURL, Message: "Not Found", RequestID: "k3v9q2d1"},
			`{"type":"error","status":404,"code":"not_found","help_url":"` + HelpURL + `","message":"Not Found","request_id":"k3v9q2d1"}`},
		{"a conflict of files: an object", Error{Type: TypeError, Status: 409, Code: CodeItemNameInUse, ContextInfo: &ContextInfo{Conflicts: &Conflicts{Item: &file}}},
			`{"type":"error","status":409,"code":"item_name_in_use","context_info":{"conflicts":` + miniText + `},"help_url":"","message":"","request_id":""}`},
		{"a folder has the name of the file: no digest", ContextInfo{Conflicts: &Conflicts{Item: &Folder{FolderMini: *file.Parent}}}, `{"conflicts":` + lidarText + `}`},
		{"a conflict of folders: an array", ContextInfo{Conflicts: &Conflicts{Item: &Folder{FolderMini: *file.Parent}, Array: true}}, `{"conflicts":[` + lidarText + `]}`},
		{"a part in the way", ContextInfo{ConflictingPart: &part}, `{"conflicting_part":` + partText + `}`},
		{"a reference that leads nowhere", ContextInfo{Errors: []ContextError{NotFoundError("folder", "9")}},
			`{"errors":[{"reason":"invalid_parameter","name":"folder","message":"Invalid value '9'. 'folder' with value '9' not found"}]}`},
		{"an origin that is not on the list", ContextInfo{Origin: "https://app.example.net"}, `{"origin":"https://app.example.net"}`},
		{"what a client sends to create a session", CreateSession{FolderID: "4410029", FileSize: CountOf(25000000)}, `{"folder_id":"4410029","file_size":25000000}`},
		{"what a client sends to commit", Commit{Parts: []CommitPart{{PartID: "36A23E23", Size: 8}}, Attributes: &Attributes{ContentModifiedAt: file.CreatedAt}},
			`{"parts":[{"part_id":"36A23E23","offset":0,"size":8}],"attributes":{"content_modified_at":"2031-03-02T04:05:40+00:00"}}`},
	} {
		got, err := EncodeJSON(c.reply)
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", c.what, got, err, c.want)
			continue
		}

		// A client reads from it what the server meant.
		typ := reflect.TypeOf(c.reply)
		if typ == reflect.TypeFor[shown]() {
			continue
		}
		back := reflect.New(typ)
		if err := json.Unmarshal(got, back.Interface()); err != nil {
			t.Errorf("%s: %s cannot be read: %v", c.what, got, err)
			continue
		}
		if again := must(EncodeJSON(back.Interface())); !bytes.Equal(again, got) {
			t.Errorf("%s: read and written again:\n got %s\nwant %s", c.what, again, got)
		}
	}
}

// Full keys hold what Box says, null included.
func TestFullKeys(t *testing.T) {
	yes, n, ext := true, 2, "laz"
	f := aFile()
	f.Permissions = &FilePermissions{CanPreview: true}
	f.CommentCount, f.IsPackage, f.Extension, f.VersionNumber = &n, &yes, &ext, "4"
	fields := "permissions,comment_count,is_package,extension,version_number,tags,lock,expires_at,disposition_at,classification,version_limit,retention"
	want := `{"type":"file","id":"770001234","etag":"3","version_number":"4","comment_count":2,` +
		`"permissions":{"can_download":false,"can_preview":true,"can_upload":false,"can_comment":false,"can_rename":false,"can_delete":false,"can_share":false,` +
		`"can_set_share_access":false,"can_invite_collaborator":false,"can_annotate":false,"can_view_annotations_all":false,"can_view_annotations_self":false,` +
		`"can_create_annotations":false,"can_view_annotations":false,"can_apply_watermark":false},` +
		`"tags":[],"lock":null,"extension":"laz","is_package":true,"expires_at":null,"classification":null,"disposition_at":null,"version_limit":null,"retention":null}`
	if got := must(View{Level: LevelStandard, Fields: ParseFields(fields)}.Encode(f)); string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}

	folder := Folder{FolderMini: Root(), Permissions: &FolderPermissions{CanUpload: true}, HasCollaborations: new(bool)}
	want = `{"type":"folder","id":"0","etag":null,"has_collaborations":false,"permissions":{"can_download":false,"can_upload":true,"can_rename":false,"can_delete":false,` +
		`"can_share":false,"can_invite_collaborator":false,"can_set_share_access":false,"can_apply_watermark":false},"tags":[]}`
	if got := must(View{Level: LevelStandard, Fields: ParseFields("tags,has_collaborations,permissions")}.Encode(folder)); string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// A client meets lists of anything, and conflicts in both shapes.
func TestReadItems(t *testing.T) {
	var page ItemsByMarker
	err := json.Unmarshal([]byte(`{"entries":[{"type":"folder","id":"5","name":"e"},{"type":"file","id":"6","size":7},{"type":"web_link","id":"8","name":"w","url":"https://x"},{"type":"hub","id":"9","name":"h"}],"limit":3,"next_marker":""}`), &page)
	if err != nil || len(page.Entries) != 4 {
		t.Fatalf("%+v, %v", page, err)
	}
	folder, isFolder := page.Entries[0].(*Folder)
	file, isFile := page.Entries[1].(*File)
	link, isLink := page.Entries[2].(*WebLink)
	other, isOther := page.Entries[3].(*OtherItem)
	if !isFolder || !isFile || !isLink || !isOther || folder.Name != "e" || file.Size != 7 || link.URL != "https://x" || other.Name != "h" || other.ItemType() != "hub" {
		t.Errorf("read as %+v", page.Entries)
	}

	for _, c := range []struct {
		in    string
		id    ID // empty if there is no item
		array bool
	}{
		{`{"conflicts":{"type":"file","id":"6"}}`, "6", false},
		{`{"conflicts":[{"type":"file","id":"6"}]}`, "6", true},
		{`{"conflicts":[]}`, "", true},
		{`{"conflicts":[null]}`, "", true},
	} {
		var info ContextInfo
		if err := json.Unmarshal([]byte(c.in), &info); err != nil || info.Conflicts.Array != c.array {
			t.Errorf("%s: %+v, %v", c.in, info.Conflicts, err)
			continue
		}
		if f, ok := info.Conflicts.Item.(*File); ok != (c.id != "") || ok && f.ID != c.id {
			t.Errorf("%s: %+v; want the file %q", c.in, info.Conflicts.Item, c.id)
		}
		if text := must(EncodeJSON(info)); c.id == "" && string(text) != `{"conflicts":[]}` {
			t.Errorf("%s: no item became %s", c.in, text)
		}
	}
}

func FuzzReadReplies(f *testing.F) {
	f.Add([]byte(`{"total_count":1,"entries":[{"type":"file","id":"1","size":7,"created_at":"2031-03-02","parent":null}]}`))
	f.Add([]byte(`{"type":"error","status":409,"code":"x","context_info":{"conflicts":[{"type":"folder","item_collection":{"entries":[{}]}}]}}`))
	f.Add([]byte(`{"session_expires_at":"2031-03-02T00:00:00Z","entries":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, v := range []any{new(Files), new(ItemCollection), new(ItemsByMarker), new(Folder), new(FileVersions), new(User), new(Error), new(UploadSession), new(PartList), new(SessionLog), new(PlanReply)} {
			if json.Unmarshal(data, v) != nil {
				continue
			}
			text, err := EncodeJSON(v)
			if err != nil {
				t.Fatalf("%T: %q cannot be written again: %v", v, data, err)
			}
			again := reflect.New(reflect.TypeOf(v).Elem()).Interface()
			if err := json.Unmarshal(text, again); err != nil {
				t.Fatalf("%T: %q became %s: %v", v, data, text, err)
			}
			if third := must(EncodeJSON(again)); !bytes.Equal(third, text) {
				t.Fatalf("%T: %q became %s, then %s", v, data, text, third)
			}
		}
	})
}
