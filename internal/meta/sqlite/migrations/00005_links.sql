-- +goose Up
CREATE TABLE shared_link (
    item          INTEGER PRIMARY KEY REFERENCES item (id) ON DELETE CASCADE,
    token         TEXT    NOT NULL,
    access        TEXT    NOT NULL,
    password_hash TEXT    NOT NULL, -- '' for none
    unshared_at   INTEGER NOT NULL,
    can_download  INTEGER NOT NULL,
    can_edit      INTEGER NOT NULL,
    vanity        TEXT    NOT NULL, -- '' for none
    vanity_key    TEXT    NOT NULL,
    downloads     INTEGER NOT NULL,
    previews      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    created_by    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX shared_link_token ON shared_link (token);
CREATE UNIQUE INDEX shared_link_vanity ON shared_link (vanity_key) WHERE vanity_key <> '';
CREATE INDEX shared_link_unshared_at ON shared_link (unshared_at, item) WHERE unshared_at <> 0;
