package boxapi

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// HelpURL is the page that Box's own errors point to.
const HelpURL = "https://developer.box.com/guides/api-calls/permissions-and-errors/common-errors/"

// Error is the body of every reply of 400 and above, but for 401 and the
// refusal of an As-User header, which have none.
type Error struct {
	Type        string       `json:"type"`   // TypeError
	Status      int          `json:"status"` // the HTTP status; browser components read it here
	Code        string       `json:"code"`
	ContextInfo *ContextInfo `json:"context_info,omitzero"`
	HelpURL     string       `json:"help_url"`
	Message     string       `json:"message"`
	RequestID   string       `json:"request_id"` // also in the BOX-REQUEST-ID header
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

// ContextInfo is what a program may want to know about an error.
type ContextInfo struct {
	Conflicts       *Conflicts     `json:"conflicts,omitzero"`        // CodeItemNameInUse
	ConflictingPart *Part          `json:"conflicting_part,omitzero"` // CodeRangeOverlapsExistingPart
	Errors          []ContextError `json:"errors,omitzero"`           // references that lead nowhere
	Session         *UploadSession `json:"session,omitzero"`          // CodeSessionConflict
	Origin          string         `json:"origin,omitzero"`           // CodeCORSOriginNotWhitelisted
}

// ContextError is one parameter that is wrong.
type ContextError struct {
	Reason  string `json:"reason"` // "invalid_parameter"
	Name    string `json:"name"`   // such as "folder"
	Message string `json:"message"`
}

// NotFoundError says that an item of that name, such as "folder", and value
// does not exist.
func NotFoundError(name, value string) ContextError {
	return ContextError{
		Reason:  CodeInvalidParameter,
		Name:    name,
		Message: fmt.Sprintf("Invalid value '%s'. '%s' with value '%s' not found", value, name, value),
	}
}

// Conflicts is the item that has the name, on the wire in its Mini form.
type Conflicts struct {
	Item Item

	// Array puts the item into an array of one, as clients want it when
	// they create a folder. For files, some fail unless it is an object.
	Array bool
}

// MarshalJSON writes an object, or an array of one.
func (c Conflicts) MarshalJSON() ([]byte, error) {
	var v any = c.Item
	switch {
	case c.Array && c.Item == nil:
		v = []Item{}
	case c.Array:
		v = []Item{c.Item}
	}
	return View{Level: LevelMini}.Encode(v)
}

// UnmarshalJSON reads an object, or the first object of an array. Item is nil
// if there is none.
func (c *Conflicts) UnmarshalJSON(data []byte) (err error) {
	*c = Conflicts{}
	if bytes.HasPrefix(data, []byte("[")) {
		c.Array = true
		var entries []json.RawMessage
		if err := json.Unmarshal(data, &entries); err != nil || len(entries) == 0 {
			return err
		}
		data = entries[0]
	}
	c.Item, err = decodeItem(data)
	return err
}

// Codes of Error, by the status that goes with each.
const (
	// 400
	CodeBadRequest                  = "bad_request"
	CodeBadDigest                   = "bad_digest" // a simple upload's Content-MD5, which is a SHA-1
	CodeCyclicalFolderStructure     = "cyclical_folder_structure"
	CodeDigestMismatch              = "digest_mismatch"
	CodeFileSizeTooSmall            = "file_size_too_small"
	CodeFolderNotEmpty              = "folder_not_empty"
	CodeInvalidFileSize             = "invalid_file_size"
	CodeInvalidFolderID             = "invalid_folder_id"
	CodeInvalidJSON                 = "invalid_json"
	CodeInvalidLimit                = "invalid_limit"
	CodeInvalidOffset               = "invalid_offset"
	CodeInvalidRequestParameters    = "invalid_request_parameters"
	CodeInvalidUploadSessionID      = "invalid_upload_session_id"
	CodeItemNameInvalid             = "item_name_invalid"
	CodeItemNameTooLong             = "item_name_too_long"
	CodeMetadataAfterFileContents   = "metadata_after_file_contents"
	CodeMissingDestination          = "missing_destination"
	CodeMissingFileName             = "missing_file_name"
	CodeMissingFileSize             = "missing_file_size"
	CodePartsMismatch               = "parts_mismatch" // rclone tries again for a quarter of an hour
	CodePasswordResetRequired       = "password_reset_required"
	CodeRequestSizeMismatch         = "request_size_mismatch"
	CodeRequestedPreviewUnavailable = "requested_preview_unavailable"
	CodeTermsOfServiceRequired      = "terms_of_service_required"
	CodeUserAlreadyCollaborator     = "user_already_collaborator"

	// 401, though its body is empty
	CodeUnauthorized = "unauthorized"

	// 403
	CodeAccessDeniedInsufficientPermissions = "access_denied_insufficient_permissions"
	CodeAccessDeniedItemLocked              = "access_denied_item_locked"
	CodeAccessFromLocationBlocked           = "access_from_location_blocked"
	CodeCORSOriginNotWhitelisted            = "cors_origin_not_whitelisted"
	CodeFileSizeLimitExceeded               = "file_size_limit_exceeded"
	CodeForbidden                           = "forbidden" // the upload session of another user
	CodeForbiddenByPolicy                   = "forbidden_by_policy"
	CodeIncorrectSharedItemPassword         = "incorrect_shared_item_password"
	CodeInsufficientScope                   = "insufficient_scope"
	CodePendingAppFolderSizeLimit           = "pending_app_folder_size_limit"
	CodeStorageLimitExceeded                = "storage_limit_exceeded"
	CodeUserEmailConfirmationRequired       = "user_email_confirmation_required"

	// 404
	CodeInvalidParameter         = "invalid_parameter" // the folder of a new upload session
	CodeNotFound                 = "not_found"
	CodeNotTrashed               = "not_trashed"
	CodePreviewCannotBeGenerated = "preview_cannot_be_generated"
	CodeTrashed                  = "trashed"

	// 405
	CodeMethodNotAllowed = "method_not_allowed"

	// 409
	CodeConflict                  = "conflict"
	CodeItemNameInUse             = "item_name_in_use"
	CodeNameTemporarilyReserved   = "name_temporarily_reserved"
	CodeOperationBlockedTemporary = "operation_blocked_temporary"
	CodeSessionConflict           = "session_conflict"
	CodeUserLoginAlreadyUsed      = "user_login_already_used"

	// 410
	CodeSessionExpired = "session_expired"
	CodeUploadFailed   = "upload_failed"

	// 411
	CodeLengthRequired = "length_required"

	// 412
	CodePreconditionFailed = "precondition_failed"

	// 413
	CodeRequestEntityTooLarge = "request_entity_too_large"

	// 415
	CodeUnsupportedMediaType = "unsupported_media_type"

	// 416
	CodeRangeNotSatisfiable       = "range_not_satisfiable"
	CodeRangeOverlapsExistingPart = "range_overlaps_existing_part"

	// 429
	CodeRateLimitExceeded = "rate_limit_exceeded"
	CodeTooManyRequests   = "too_many_requests" // another spelling that clients know

	// 500, 502 and 503
	CodeInternalServerError = "internal_server_error"
	CodeBadGateway          = "bad_gateway"
	CodeUnavailable         = "unavailable"
)
