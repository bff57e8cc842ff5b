package httpapi

import (
	"net/http"
	"strconv"

	"boxcar/boxapi"
	"boxcar/internal/content"
)

// listVersions handles GET /files/:file/versions: the past ones.
func (s *Server) listVersions(c *call) error {
	id, err := c.id("file")
	if err != nil {
		return err
	}
	offset, limit, err := c.page(defaultLimit, maxLimit, maxOffset)
	if err != nil {
		return err
	}
	past, err := s.Tree.PastVersions(c.Context(), c.who, id, offset, int(limit))
	if err != nil {
		return err
	}
	list := boxapi.FileVersions{TotalCount: int(past.Total), Offset: int(offset), Limit: int(limit)}
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	for _, v := range past.Versions {
		list.Entries = append(list.Entries, s.version(c, past.File, v, view))
	}
	return s.write(c, http.StatusOK, view.Show(list))
}

// version is both ids of a path /files/:file/versions/:version.
func (c *call) version() (file, version content.ID, err error) {
	if file, err = c.id("file"); err != nil {
		return 0, 0, err
	}
	version, err = c.id("version")
	return file, version, err
}

// getVersion handles GET /files/:file/versions/:version.
func (s *Server) getVersion(c *call) error {
	file, id, err := c.version()
	if err != nil {
		return err
	}
	f, v, err := s.Tree.Version(c.Context(), c.who, file, id)
	if err != nil {
		return err
	}
	return s.versionReply(c, http.StatusOK, f, v)
}

// deleteVersion handles DELETE /files/:file/versions/:version.
func (s *Server) deleteVersion(c *call) error {
	file, id, err := c.version()
	if err != nil {
		return err
	}
	if err := s.Tree.DeleteVersion(c.Context(), c.who, file, id, c.preconditions()); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// restoreVersion handles PUT /files/:file/versions/:version.
func (s *Server) restoreVersion(c *call) error {
	file, id, err := c.version()
	if err != nil {
		return err
	}
	var body boxapi.UpdateVersion
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	if !body.TrashedAt.Given || body.TrashedAt.Value != nil {
		return content.Errorf(content.BadRequest, "trashed_at can be set to null, which restores the version, and to nothing else")
	}
	f, v, err := s.Tree.RestoreVersion(c.Context(), c.who, file, id)
	if err != nil {
		return err
	}
	return s.versionReply(c, http.StatusOK, f, v)
}

// promoteVersion handles POST /files/:file/versions/current.
func (s *Server) promoteVersion(c *call) error {
	file, err := c.id("file")
	if err != nil {
		return err
	}
	var body boxapi.PromoteVersion
	if err := c.decode(s.Limits.JSONBody, &body); err != nil {
		return err
	}
	if body.ID == "" {
		return content.Errorf(content.BadRequest, "id is missing")
	}
	if body.Type != "" && body.Type != boxapi.TypeFileVersion {
		return content.Errorf(content.BadRequest, "type is %q, not %.40q", boxapi.TypeFileVersion, body.Type)
	}
	id, err := content.ParseID(string(body.ID))
	if err != nil {
		return content.Errorf(content.NotFound, "there is no version %.40q", body.ID)
	}
	f, err := s.Tree.Promote(c.Context(), c.who, file, id)
	if err != nil {
		return err
	}
	return s.versionReply(c, http.StatusCreated, f, f.Version)
}

func (s *Server) versionReply(c *call, status int, f *content.File, v content.Version) error {
	view := boxapi.View{Level: boxapi.LevelStandard, Fields: c.fields()}
	return s.write(c, status, view.Show(s.version(c, f, v, view)))
}

// version is a version of a file, with what the view shows of it.
func (s *Server) version(c *call, f *content.File, v content.Version, view boxapi.View) boxapi.FileVersion {
	out := boxapi.FileVersion{
		FileVersionMini:     boxapi.FileVersionMini{Type: boxapi.TypeFileVersion, ID: wireID(v.ID), SHA1: v.SHA1.String()},
		Name:                v.Name,
		Size:                v.Size,
		CreatedAt:           boxapi.Time{Time: v.CreatedAt},
		ModifiedAt:          boxapi.Time{Time: v.CreatedAt}, // versions don't change
		ModifiedBy:          userMini(v.CreatedBy),
		TrashedAt:           boxapi.Time{Time: v.TrashedAt},
		TrashedBy:           userMaybe(v.TrashedBy),
		RestoredAt:          boxapi.Time{Time: v.RestoredAt},
		RestoredBy:          userMaybe(v.RestoredBy),
		PurgedAt:            purgedAt(v.TrashedAt),
		UploaderDisplayName: v.CreatedBy.Name,
		VersionNumber:       strconv.FormatInt(v.Number, 10),
	}
	if view.Fields.None() {
		return out
	}
	ext := extension(v.Name)
	out.Extension = &ext
	out.Permissions = filePermissions(c.who, f)
	out.IsDownloadAvailable = &out.Permissions.CanDownload
	out.AuthenticatedDownloadURL = s.downloadURL(c, f, v.ID)
	out.RestoredFrom, out.PromotedBy = promotion(v)
	return out
}

// promotion is the version that one repeats, and who had it so.
func promotion(v content.Version) (from *boxapi.VersionRef, by *boxapi.UserMini) {
	if v.PromotedFrom == 0 {
		return nil, nil
	}
	return &boxapi.VersionRef{Type: boxapi.TypeFileVersion, ID: wireID(v.PromotedFrom)}, userMaybe(&v.CreatedBy)
}
