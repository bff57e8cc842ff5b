-- Blobs that were found to be damaged, and holds that keep blobs from being
-- deleted while a backup copies them.

-- +goose Up
CREATE TABLE rotten (
    blob     BLOB    NOT NULL PRIMARY KEY,
    damage   TEXT    NOT NULL, -- 'missing', 'altered' or 'unreadable'
    found_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE hold (
    id    TEXT    NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_until ON hold (until);
