package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"boxcar/boxapi"
)

type shareCmd struct {
	Create shareCreateCmd `cmd:"" help:"Make a shared link, or change the one there is, and print it."`
	Show   shareShowCmd   `cmd:"" help:"Show a shared link."`
	Remove shareRemoveCmd `cmd:"" help:"Take a shared link back."`
}

type shareArgs struct {
	Path        string `arg:"" help:"A file or folder."`
	serverFlags `embed:"" group:"server"`
}

// linkRecord is a shared link as --json tells it.
type linkRecord struct {
	Path        string     `json:"path"`
	ID          string     `json:"id"`
	URL         string     `json:"url"`
	DownloadURL string     `json:"download_url,omitzero"`
	Access      string     `json:"access"`
	Password    bool       `json:"password"`
	Download    bool       `json:"download"` // those who have it may
	Expires     *time.Time `json:"expires,omitzero"`
}

// open finds the item that is meant.
func (s shareArgs) open(ctx context.Context, io streams) (context.Context, server, boxapi.Item, error) {
	ctx, c, err := s.connect(ctx, io, 0)
	if err != nil {
		return ctx, c, nil, err
	}
	item, err := find(ctx, c, s.Path)
	return ctx, c, item, err
}

func (s shareArgs) tell(io streams, item boxapi.Item, link *boxapi.SharedLink, all bool) error {
	r := linkRecord{
		Path: pathOf(item), ID: recordOf(item, "").ID, URL: link.URL, DownloadURL: string(link.DownloadURL),
		Access: link.Access, Password: link.IsPasswordEnabled, Download: link.Permissions.CanDownload,
	}
	if t := link.UnsharedAt.UTC(); !link.UnsharedAt.IsZero() {
		r.Expires = &t
	}
	if s.JSON {
		return writeJSON(io.Out, r)
	}
	if !all {
		_, err := fmt.Fprintln(io.Out, printable(r.URL))
		return err
	}
	until, password := "for good", "no password"
	if r.Expires != nil {
		until = "until " + r.Expires.Local().Format(time.DateTime)
	}
	if r.Password {
		password = "with a password"
	}
	may := "may be downloaded"
	if !r.Download {
		may = "may be seen only"
	}
	_, err := fmt.Fprintf(io.Out, "%s\n%s, %s, %s, %s\n", printable(r.URL), printable(r.Access), password, until, may)
	return err
}

type shareCreateCmd struct {
	shareArgs
	Access     *string `enum:"open,company,collaborators" placeholder:"WHO" help:"Who may use it: open is anybody, company, collaborators."`
	Password   bool    `xor:"password" help:"Ask for a password that the link is to have: on a terminal, or the first line of the standard input."`
	NoPassword bool    `xor:"password" help:"Take the password off."`
	Expires    expiry  `placeholder:"WHEN" help:"Until when it is good: 12h, 30d, a date as 2031-12-24, or never."`
	NoDownload bool    `xor:"download" help:"It may be looked at only."`
	Download   bool    `xor:"download" help:"It may be downloaded."`
}

// Help is what boxcar share create --help adds.
func (shareCreateCmd) Help() string {
	return remoteHelp + `

	boxcar share create /lidar --password --expires 30d`
}

func (s shareCreateCmd) Run(ctx context.Context, io streams) error {
	link := boxapi.UpdateSharedLink{Access: s.Access}
	switch {
	case s.Password:
		password, err := askNew(io, "password")
		if err != nil {
			return err
		}
		link.Password = boxapi.NullableOf(password)
	case s.NoPassword:
		link.Password = boxapi.Null[string]()
	}
	switch {
	case s.Expires.never:
		link.UnsharedAt = boxapi.Null[boxapi.Time]()
	case s.Expires.given():
		link.UnsharedAt = boxapi.NullableOf(boxapi.Time{Time: s.Expires.from(time.Now())})
	}
	if s.NoDownload || s.Download {
		may := s.Download
		link.Permissions = &boxapi.UpdateSharedLinkPermissions{CanDownload: &may}
	}
	ctx, c, item, err := s.open(ctx, io)
	if err != nil {
		return err
	}
	var made *boxapi.SharedLink
	switch i := item.(type) {
	case *boxapi.File:
		made, err = c.ShareFile(ctx, string(i.ID), link)
	case *boxapi.Folder:
		made, err = c.ShareFolder(ctx, string(i.ID), link)
	default:
		err = fmt.Errorf("it is a %s: only files and folders are shared here", item.ItemType())
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Path, err)
	}
	return s.tell(io, item, made, false)
}

// expiry is a time span from now, a date, or never.
type expiry struct {
	after time.Duration
	at    time.Time
	never bool
}

// UnmarshalText reads 12h, 30d, 2031-12-24, 2031-12-24T18:00:00Z and never.
func (e *expiry) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "never" {
		e.never = true
		return nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 100_000 {
			e.after = time.Duration(n) * 24 * time.Hour
			return nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		e.after = d
		return nil
	}
	at, err := boxapi.ParseTime(s)
	if err != nil || at.IsZero() {
		return errors.New("it must be 12h, 30d, a date as 2031-12-24 or 2031-12-24T18:00:00Z, or never")
	}
	e.at = at
	return nil
}

func (e expiry) given() bool { return e.after > 0 || !e.at.IsZero() }

func (e expiry) from(now time.Time) time.Time {
	if e.after > 0 {
		return now.Add(e.after)
	}
	return e.at
}

type shareShowCmd struct{ shareArgs }

func (s shareShowCmd) Run(ctx context.Context, io streams) error {
	ctx, c, item, err := s.open(ctx, io)
	if err != nil {
		return err
	}
	var link *boxapi.SharedLink
	switch i := item.(type) {
	case *boxapi.File:
		f, err := c.GetFile(ctx, string(i.ID), "shared_link")
		if err != nil {
			return fmt.Errorf("%s: %w", s.Path, err)
		}
		link = f.SharedLink
	case *boxapi.Folder:
		f, err := c.GetFolder(ctx, string(i.ID), "shared_link")
		if err != nil {
			return fmt.Errorf("%s: %w", s.Path, err)
		}
		link = f.SharedLink
	}
	if link == nil {
		return hinted{fmt.Errorf("%s: it has no shared link", s.Path), "boxcar share create makes one"}
	}
	return s.tell(io, item, link, true)
}

type shareRemoveCmd struct{ shareArgs }

func (s shareRemoveCmd) Run(ctx context.Context, io streams) error {
	ctx, c, item, err := s.open(ctx, io)
	if err != nil {
		return err
	}
	switch i := item.(type) {
	case *boxapi.File:
		err = c.UnshareFile(ctx, string(i.ID))
	case *boxapi.Folder:
		err = c.UnshareFolder(ctx, string(i.ID))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Path, err)
	}
	return s.tellItem(io, item, pathOf(item))
}
