package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"boxcar/boxapi"
	"boxcar/client"
)

// told is an error as a person should read it, on one line.
func told(err error) string {
	var nobody noServer
	var upload *client.UploadError
	var refused *client.Error
	switch {
	case errors.As(err, &nobody):
		// It is all there is to say: what was asked does not matter.
		return nobody.Error()
	case errors.Is(err, client.ErrUnauthorized) && errors.As(err, &refused):
		return "the server does not take the token (" + strconv.Itoa(refused.Status) + ")"
	case errors.As(err, &upload) && upload.Parts > 0:
		return fmt.Sprintf("stopped after %d of %d parts: %s", upload.PartsDone, upload.Parts, told(upload.Err))
	}
	text := err.Error()
	if errors.As(err, &refused) && refused.Code != "" && refused.Status < 500 {
		// Which request it was says nothing to who has made none.
		text = strings.ReplaceAll(text, refused.Error(), refusal(refused))
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

// refusal is what the server says to a wish, in its own words.
func refusal(e *client.Error) string {
	why := e.Code
	if e.Status != 0 { // it was sent
		why = fmt.Sprintf("%d %s", e.Status, e.Code)
	}
	if e.RequestID != "" {
		why += ", request " + e.RequestID
	}
	return fmt.Sprintf("%s (%s)", e.Message, why)
}

// brief is an error that will pass by itself, in a few words.
func brief(err error) string {
	var refused *client.Error
	var net *net.OpError
	switch {
	case errors.As(err, &refused) && refused.Code != "":
		return fmt.Sprintf("%d %s", refused.Status, refused.Code)
	case errors.As(err, &refused):
		return fmt.Sprintf("%d %s", refused.Status, strings.ToLower(http.StatusText(refused.Status)))
	case errors.As(err, &net):
		return net.Error()
	case err == nil:
		return ""
	}
	return told(err)
}

// hintFor is what to do about an error, or "".
func hintFor(err error) string {
	var own hinted
	var upload *client.UploadError
	if errors.As(err, &own) {
		return own.hint
	}
	resumable := errors.As(err, &upload) && upload.Resumable
	switch {
	case errors.Is(err, client.ErrUnauthorized):
		return "boxcar login, or a token in BOXCAR_TOKEN that is still good"
	case errors.Is(err, client.ErrSourceChanged) && resumable:
		return "--restart drops what was sent and begins again; put the file back as it was to go on with it"
	case errors.Is(err, client.ErrSourceChanged):
		return "run it again when nothing writes to the file"
	case errors.Is(err, client.ErrNameInUse):
		return "move what has the name out of the way, or take another one"
	case errors.Is(err, client.ErrCorrupt):
		return "run it again; if it stays so, something between here and the server changes bytes, or the server's own are damaged"
	case errors.Is(err, client.ErrTooLarge):
		return "--size says how much will come, so that it need not be kept here; --spool lets more be kept"
	case client.HasCode(err, boxapi.CodeStorageLimitExceeded):
		return "there is no room left for this user: delete something for good, or have the quota raised"
	case client.HasCode(err, boxapi.CodeFolderNotEmpty):
		return "-r removes a folder with all that is in it"
	case client.HasCode(err, boxapi.CodeItemNameInvalid, boxapi.CodeItemNameTooLong):
		return "the server does not take this name: rename the file, or give another with --name"
	case client.IsForbidden(err):
		return "boxcar whoami says who you are to the server; that user may not do this"
	case client.IsRateLimited(err):
		return "the server wants fewer requests: a smaller --parallel, or later"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on the disk and run the same command again: it goes on with what is there"
	case errors.Is(err, fs.ErrPermission):
		return "look at the permissions of the file and of the folders above it"
	case errors.Is(err, context.Canceled), errors.Is(err, errInterrupted):
		return ""
	case resumable:
		return "run the same command again; parts already received are not sent twice"
	}
	return ""
}
