package metatest

import (
	"time"

	"boxcar/internal/blob"
	"boxcar/internal/content"
	"boxcar/internal/meta"
)

func (t *faultyTx) Setting(name string) ([]byte, error) {
	return ask(t, func() ([]byte, error) { return t.tx.Setting(name) })
}

func (t *faultyTx) PutSetting(name string, value []byte) error {
	return do(t, func() error { return t.tx.PutSetting(name, value) })
}

func (t *faultyTx) InsertEnterprise(a content.Enterprise) error {
	return do(t, func() error { return t.tx.InsertEnterprise(a) })
}

func (t *faultyTx) InsertUser(a content.User) error {
	return do(t, func() error { return t.tx.InsertUser(a) })
}

func (t *faultyTx) User(id content.ID) (content.User, error) {
	return ask(t, func() (content.User, error) { return t.tx.User(id) })
}

func (t *faultyTx) UserByLogin(login string) (content.User, error) {
	return ask(t, func() (content.User, error) { return t.tx.UserByLogin(login) })
}

func (t *faultyTx) Users(after content.ID, limit int) ([]content.User, error) {
	return ask(t, func() ([]content.User, error) { return t.tx.Users(after, limit) })
}

func (t *faultyTx) AddUsage(user content.ID, used int64, reserved int64) error {
	return do(t, func() error { return t.tx.AddUsage(user, used, reserved) })
}

func (t *faultyTx) InsertApp(a meta.App) error {
	return do(t, func() error { return t.tx.InsertApp(a) })
}

func (t *faultyTx) InsertToken(a meta.Token) error {
	return do(t, func() error { return t.tx.InsertToken(a) })
}

func (t *faultyTx) Token(hash [32]byte) (meta.Token, error) {
	return ask(t, func() (meta.Token, error) { return t.tx.Token(hash) })
}

func (t *faultyTx) DeleteTokens(user content.ID, kind meta.TokenKind) error {
	return do(t, func() error { return t.tx.DeleteTokens(user, kind) })
}

func (t *faultyTx) FindUsers(q meta.UserQuery) ([]content.User, error) {
	return ask(t, func() ([]content.User, error) { return t.tx.FindUsers(q) })
}

func (t *faultyTx) CountUsers(q meta.UserQuery) (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.CountUsers(q) })
}

func (t *faultyTx) UpdateUser(a content.User) error {
	return do(t, func() error { return t.tx.UpdateUser(a) })
}

func (t *faultyTx) DeleteUser(id content.ID, at time.Time) error {
	return do(t, func() error { return t.tx.DeleteUser(id, at) })
}

func (t *faultyTx) DeletedUsers(limit int) ([]content.User, error) {
	return ask(t, func() ([]content.User, error) { return t.tx.DeletedUsers(limit) })
}

func (t *faultyTx) Purged(id content.ID) error {
	return do(t, func() error { return t.tx.Purged(id) })
}

func (t *faultyTx) Password(user content.ID) (string, error) {
	return ask(t, func() (string, error) { return t.tx.Password(user) })
}

func (t *faultyTx) SetPassword(user content.ID, hash string) error {
	return do(t, func() error { return t.tx.SetPassword(user, hash) })
}

func (t *faultyTx) OpenSessions(owner content.ID, limit int) ([]meta.Session, error) {
	return ask(t, func() ([]meta.Session, error) { return t.tx.OpenSessions(owner, limit) })
}

func (t *faultyTx) App(id string) (meta.App, error) {
	return ask(t, func() (meta.App, error) { return t.tx.App(id) })
}

func (t *faultyTx) Apps(after string, limit int) ([]meta.App, error) {
	return ask(t, func() ([]meta.App, error) { return t.tx.Apps(after, limit) })
}

func (t *faultyTx) UpdateApp(a meta.App) error {
	return do(t, func() error { return t.tx.UpdateApp(a) })
}

func (t *faultyTx) DeleteApp(id string) error {
	return do(t, func() error { return t.tx.DeleteApp(id) })
}

func (t *faultyTx) InsertKey(a meta.AppKey) error {
	return do(t, func() error { return t.tx.InsertKey(a) })
}

func (t *faultyTx) Keys(app string) ([]meta.AppKey, error) {
	return ask(t, func() ([]meta.AppKey, error) { return t.tx.Keys(app) })
}

func (t *faultyTx) DeleteKey(app, id string) error {
	return do(t, func() error { return t.tx.DeleteKey(app, id) })
}

func (t *faultyTx) TakeToken(hash [32]byte) (meta.Token, error) {
	return ask(t, func() (meta.Token, error) { return t.tx.TakeToken(hash) })
}

func (t *faultyTx) DeleteGrant(grant string) error {
	return do(t, func() error { return t.tx.DeleteGrant(grant) })
}

func (t *faultyTx) UseAssertion(hash [32]byte, until time.Time) (bool, error) {
	return ask(t, func() (bool, error) { return t.tx.UseAssertion(hash, until) })
}

func (t *faultyTx) SweepTokens(tokens, assertions time.Time, limit int) (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.SweepTokens(tokens, assertions, limit) })
}

func (t *faultyTx) InsertItem(a meta.Item) error {
	return do(t, func() error { return t.tx.InsertItem(a) })
}

func (t *faultyTx) UpdateItem(a meta.Item) error {
	return do(t, func() error { return t.tx.UpdateItem(a) })
}

func (t *faultyTx) Item(id content.ID) (meta.Item, error) {
	return ask(t, func() (meta.Item, error) { return t.tx.Item(id) })
}

func (t *faultyTx) ItemNamed(parent content.ID, key string) (meta.Item, error) {
	return ask(t, func() (meta.Item, error) { return t.tx.ItemNamed(parent, key) })
}

func (t *faultyTx) Lineage(id content.ID) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.Lineage(id) })
}

func (t *faultyTx) Ancestors(id content.ID) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.Ancestors(id) })
}

func (t *faultyTx) ItemsIn(parent content.ID, page meta.ItemPage) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.ItemsIn(parent, page) })
}

func (t *faultyTx) ItemsByID(ids []content.ID) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.ItemsByID(ids) })
}

func (t *faultyTx) AllItems(after content.ID, limit int) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.AllItems(after, limit) })
}

func (t *faultyTx) InsertVersion(a meta.Version) error {
	return do(t, func() error { return t.tx.InsertVersion(a) })
}

func (t *faultyTx) Version(id content.ID) (meta.Version, error) {
	return ask(t, func() (meta.Version, error) { return t.tx.Version(id) })
}

func (t *faultyTx) PastVersions(file content.ID, offset int64, limit int) ([]meta.Version, error) {
	return ask(t, func() ([]meta.Version, error) { return t.tx.PastVersions(file, offset, limit) })
}

func (t *faultyTx) CountPastVersions(file content.ID) (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.CountPastVersions(file) })
}

func (t *faultyTx) AllVersions(after content.ID, limit int) ([]meta.Version, error) {
	return ask(t, func() ([]meta.Version, error) { return t.tx.AllVersions(after, limit) })
}

func (t *faultyTx) InsertSession(a meta.Session) error {
	return do(t, func() error { return t.tx.InsertSession(a) })
}

func (t *faultyTx) Session(id content.SessionID) (meta.Session, error) {
	return ask(t, func() (meta.Session, error) { return t.tx.Session(id) })
}

func (t *faultyTx) UpdateSession(a meta.Session) error {
	return do(t, func() error { return t.tx.UpdateSession(a) })
}

func (t *faultyTx) SetFront(id content.SessionID, front content.Front) error {
	return do(t, func() error { return t.tx.SetFront(id, front) })
}

func (t *faultyTx) CountOpen(user content.ID, now time.Time) (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.CountOpen(user, now) })
}

func (t *faultyTx) Overdue(now time.Time, limit int) ([]meta.Session, error) {
	return ask(t, func() ([]meta.Session, error) { return t.tx.Overdue(now, limit) })
}

func (t *faultyTx) Forgettable(before time.Time, limit int) ([]meta.Session, error) {
	return ask(t, func() ([]meta.Session, error) { return t.tx.Forgettable(before, limit) })
}

func (t *faultyTx) InState(state content.SessionState, after content.SessionID, limit int) ([]meta.Session, error) {
	return ask(t, func() ([]meta.Session, error) { return t.tx.InState(state, after, limit) })
}

func (t *faultyTx) DeleteSession(id content.SessionID) error {
	return do(t, func() error { return t.tx.DeleteSession(id) })
}

func (t *faultyTx) AppendLog(id content.SessionID, e content.LogEvent) error {
	return do(t, func() error { return t.tx.AppendLog(id, e) })
}

func (t *faultyTx) CountLog(id content.SessionID) (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.CountLog(id) })
}

func (t *faultyTx) Log(id content.SessionID, after int64, limit int) ([]meta.LogEntry, error) {
	return ask(t, func() ([]meta.LogEntry, error) { return t.tx.Log(id, after, limit) })
}

func (t *faultyTx) InsertBlob(key blob.Key, at time.Time, b []byte) (bool, error) {
	return ask(t, func() (bool, error) { return t.tx.InsertBlob(key, at, b) })
}

func (t *faultyTx) Blob(key blob.Key) ([]byte, error) {
	return ask(t, func() ([]byte, error) { return t.tx.Blob(key) })
}

func (t *faultyTx) BlobInfo(key blob.Key) (blob.Info, error) {
	return ask(t, func() (blob.Info, error) { return t.tx.BlobInfo(key) })
}

func (t *faultyTx) Blobs(after int64, limit int) ([]meta.BlobEntry, error) {
	return ask(t, func() ([]meta.BlobEntry, error) { return t.tx.Blobs(after, limit) })
}

func (t *faultyTx) DeleteBlobs(keys []blob.Key) error {
	return do(t, func() error { return t.tx.DeleteBlobs(keys) })
}

func (t *faultyTx) InsertPart(a meta.Manifest, b meta.Part) error {
	return do(t, func() error { return t.tx.InsertPart(a, b) })
}

func (t *faultyTx) Part(m meta.Manifest, start int64) (meta.Part, error) {
	return ask(t, func() (meta.Part, error) { return t.tx.Part(m, start) })
}

func (t *faultyTx) Parts(m meta.Manifest, from int64, limit int) ([]meta.Part, error) {
	return ask(t, func() ([]meta.Part, error) { return t.tx.Parts(m, from, limit) })
}

func (t *faultyTx) CountParts(m meta.Manifest) (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.CountParts(m) })
}

func (t *faultyTx) SetAfter(m meta.Manifest, start int64, after content.SHA1State) error {
	return do(t, func() error { return t.tx.SetAfter(m, start, after) })
}

func (t *faultyTx) DeleteParts(m meta.Manifest, limit int) (removed int, free []blob.Key, err error) {
	err = do(t, func() (err error) {
		removed, free, err = t.tx.DeleteParts(m, limit)
		return err
	})
	return removed, free, err
}

func (t *faultyTx) Refers(key blob.Key) (bool, error) {
	return ask(t, func() (bool, error) { return t.tx.Refers(key) })
}

func (t *faultyTx) OrphanManifests(limit int) ([]meta.Manifest, error) {
	return ask(t, func() ([]meta.Manifest, error) { return t.tx.OrphanManifests(limit) })
}

func (t *faultyTx) SetSHA512(key blob.Key, sum content.SHA512) error {
	return do(t, func() error { return t.tx.SetSHA512(key, sum) })
}

func (t *faultyTx) MatchSHA512(owner, near content.ID, sum content.SHA512, size int64, limit int) ([]meta.Match, error) {
	return ask(t, func() ([]meta.Match, error) { return t.tx.MatchSHA512(owner, near, sum, size, limit) })
}

func (t *faultyTx) Unhashed(owner content.ID, after blob.Key, limit int) ([]meta.Part, error) {
	return ask(t, func() ([]meta.Part, error) { return t.tx.Unhashed(owner, after, limit) })
}

func (t *faultyTx) UnhashedIn(m meta.Manifest, limit int) ([]meta.Part, error) {
	return ask(t, func() ([]meta.Part, error) { return t.tx.UnhashedIn(m, limit) })
}

func (t *faultyTx) SetQuota(user content.ID, quota int64) error {
	return do(t, func() error { return t.tx.SetQuota(user, quota) })
}

func (t *faultyTx) Trashed(owner content.ID, page meta.ItemPage) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.Trashed(owner, page) })
}

func (t *faultyTx) OldTrash(before time.Time, limit int) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.OldTrash(before, limit) })
}

func (t *faultyTx) Children(parent content.ID, limit int) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.Children(parent, limit) })
}

func (t *faultyTx) CountTrashed(owner content.ID) (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.CountTrashed(owner) })
}

func (t *faultyTx) DeleteItem(id content.ID) error {
	return do(t, func() error { return t.tx.DeleteItem(id) })
}

func (t *faultyTx) DeleteVersion(id content.ID) error {
	return do(t, func() error { return t.tx.DeleteVersion(id) })
}

func (t *faultyTx) Touch(folder content.ID, at time.Time) error {
	return do(t, func() error { return t.tx.Touch(folder, at) })
}

func (t *faultyTx) InLimbo(where meta.Limbo, after content.ID, limit int) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.InLimbo(where, after, limit) })
}

func (t *faultyTx) UpdateVersion(v meta.Version) error {
	return do(t, func() error { return t.tx.UpdateVersion(v) })
}

func (t *faultyTx) OldVersions(before time.Time, limit int) ([]meta.Version, error) {
	return ask(t, func() ([]meta.Version, error) { return t.tx.OldVersions(before, limit) })
}

func (t *faultyTx) HasVersion(m meta.Manifest, but content.ID) (bool, error) {
	return ask(t, func() (bool, error) { return t.tx.HasVersion(m, but) })
}

func (t *faultyTx) AppendEvent(e meta.Event, streams ...content.ID) error {
	return do(t, func() error { return t.tx.AppendEvent(e, streams...) })
}

func (t *faultyTx) LastEvent() (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.LastEvent() })
}

func (t *faultyTx) EventsFor(user content.ID, after int64, limit int) ([]meta.Event, error) {
	return ask(t, func() ([]meta.Event, error) { return t.tx.EventsFor(user, after, limit) })
}

func (t *faultyTx) AllEvents(after int64, filter meta.EventFilter, limit int) ([]meta.Event, error) {
	return ask(t, func() ([]meta.Event, error) { return t.tx.AllEvents(after, filter, limit) })
}

func (t *faultyTx) DropEvents(before time.Time, limit int) (int, error) {
	return ask(t, func() (int, error) { return t.tx.DropEvents(before, limit) })
}

func (t *faultyTx) InsertSharedLink(l meta.SharedLink) error {
	return do(t, func() error { return t.tx.InsertSharedLink(l) })
}

func (t *faultyTx) UpdateSharedLink(l meta.SharedLink) error {
	return do(t, func() error { return t.tx.UpdateSharedLink(l) })
}

func (t *faultyTx) SharedLink(item content.ID) (meta.SharedLink, error) {
	return ask(t, func() (meta.SharedLink, error) { return t.tx.SharedLink(item) })
}

func (t *faultyTx) SharedLinkByToken(token string) (meta.SharedLink, error) {
	return ask(t, func() (meta.SharedLink, error) { return t.tx.SharedLinkByToken(token) })
}

func (t *faultyTx) SharedLinkByVanity(key string) (meta.SharedLink, error) {
	return ask(t, func() (meta.SharedLink, error) { return t.tx.SharedLinkByVanity(key) })
}

func (t *faultyTx) DeleteSharedLink(item content.ID) error {
	return do(t, func() error { return t.tx.DeleteSharedLink(item) })
}

func (t *faultyTx) CountLinkUse(item content.ID, downloads, previews int64) error {
	return do(t, func() error { return t.tx.CountLinkUse(item, downloads, previews) })
}

func (t *faultyTx) EndedLinks(now time.Time, limit int) ([]meta.SharedLink, error) {
	return ask(t, func() ([]meta.SharedLink, error) { return t.tx.EndedLinks(now, limit) })
}

func (t *faultyTx) AllSharedLinks(after content.ID, limit int) ([]meta.SharedLink, error) {
	return ask(t, func() ([]meta.SharedLink, error) { return t.tx.AllSharedLinks(after, limit) })
}

func (t *faultyTx) SetFavourite(user, item content.ID, is bool, at time.Time) error {
	return do(t, func() error { return t.tx.SetFavourite(user, item, is, at) })
}

func (t *faultyTx) IsFavourite(user, item content.ID) (bool, error) {
	return ask(t, func() (bool, error) { return t.tx.IsFavourite(user, item) })
}

func (t *faultyTx) Favourites(user content.ID, offset int64, limit int) ([]meta.Item, error) {
	return ask(t, func() ([]meta.Item, error) { return t.tx.Favourites(user, offset, limit) })
}

func (t *faultyTx) EventStreams(after int64) ([]content.ID, error) {
	return ask(t, func() ([]content.ID, error) { return t.tx.EventStreams(after) })
}

func (t *faultyTx) Find(l meta.Lookup) (hits []meta.Hit, next content.ID, err error) {
	if err := t.step(); err != nil {
		return nil, 0, err
	}
	return t.tx.Find(l)
}

func (t *faultyTx) Places(folders []content.ID) ([]meta.Place, error) {
	return ask(t, func() ([]meta.Place, error) { return t.tx.Places(folders) })
}

func (t *faultyTx) PutRecent(r meta.Recent) error {
	return do(t, func() error { return t.tx.PutRecent(r) })
}

func (t *faultyTx) Recents(user content.ID, after time.Time, behind meta.Recent, limit int) ([]meta.Recent, error) {
	return ask(t, func() ([]meta.Recent, error) { return t.tx.Recents(user, after, behind, limit) })
}

func (t *faultyTx) DropRecents(user content.ID, keep, limit int) (int, error) {
	return ask(t, func() (int, error) { return t.tx.DropRecents(user, keep, limit) })
}

func (t *faultyTx) StoredBlobs(after blob.Key, limit int) ([]meta.StoredBlob, error) {
	return ask(t, func() ([]meta.StoredBlob, error) { return t.tx.StoredBlobs(after, limit) })
}

func (t *faultyTx) MarkRotten(r meta.RottenBlob) error {
	return do(t, func() error { return t.tx.MarkRotten(r) })
}

func (t *faultyTx) ClearRotten(key blob.Key) error {
	return do(t, func() error { return t.tx.ClearRotten(key) })
}

func (t *faultyTx) IsRotten(key blob.Key) (bool, error) {
	return ask(t, func() (bool, error) { return t.tx.IsRotten(key) })
}

func (t *faultyTx) RottenBlobs(after blob.Key, limit int) ([]meta.RottenBlob, error) {
	return ask(t, func() ([]meta.RottenBlob, error) { return t.tx.RottenBlobs(after, limit) })
}

func (t *faultyTx) CountRotten() (int64, error) {
	return ask(t, func() (int64, error) { return t.tx.CountRotten() })
}

func (t *faultyTx) RottenPart(m meta.Manifest) (meta.Part, error) {
	return ask(t, func() (meta.Part, error) { return t.tx.RottenPart(m) })
}

func (t *faultyTx) VersionsOn(key blob.Key, after content.ID, limit int) ([]meta.Version, error) {
	return ask(t, func() ([]meta.Version, error) { return t.tx.VersionsOn(key, after, limit) })
}

func (t *faultyTx) PutHold(id string, until time.Time) error {
	return do(t, func() error { return t.tx.PutHold(id, until) })
}

func (t *faultyTx) Hold(id string) (time.Time, error) {
	return ask(t, func() (time.Time, error) { return t.tx.Hold(id) })
}

func (t *faultyTx) DropHold(id string) error {
	return do(t, func() error { return t.tx.DropHold(id) })
}

func (t *faultyTx) Held(now time.Time) (bool, error) {
	return ask(t, func() (bool, error) { return t.tx.Held(now) })
}

func (t *faultyTx) DropHolds(until time.Time) error {
	return do(t, func() error { return t.tx.DropHolds(until) })
}

func (t *faultyTx) Tally() (meta.Tally, error) {
	return ask(t, func() (meta.Tally, error) { return t.tx.Tally() })
}
