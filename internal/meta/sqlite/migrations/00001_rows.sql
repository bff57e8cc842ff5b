-- Times are microseconds since 1970, 0 for none. Keys, session ids and digests
-- are raw bytes; an unknown digest is NULL. The one reference that is checked
-- only at the end of a transaction is that of a version to its file, as they
-- refer to each other. More of them would be dear: while one is open, each row
-- inserted makes SQLite look for all rows that refer to it.

-- +goose Up
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE enterprise (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE account (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    login       TEXT    NOT NULL,
    login_key   TEXT    NOT NULL UNIQUE, -- case folded
    enterprise  INTEGER NOT NULL REFERENCES enterprise (id),
    admin       INTEGER NOT NULL,
    root        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    quota       INTEGER NOT NULL, -- bytes; 0 is no limit
    used        INTEGER NOT NULL,
    reserved    INTEGER NOT NULL
) STRICT;

CREATE TABLE app (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    secret_hash BLOB    NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    hash       BLOB    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    account    INTEGER NOT NULL REFERENCES account (id),
    app        TEXT    REFERENCES app (id), -- NULL for none
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_account ON token (account, kind);

CREATE TABLE item (
    id                  INTEGER PRIMARY KEY,
    kind                INTEGER NOT NULL, -- 0 folder, 1 file
    parent              INTEGER REFERENCES item (id), -- NULL for a user's root
    name                TEXT    NOT NULL,
    name_key            TEXT    NOT NULL, -- case folded, NFC
    sequence            INTEGER NOT NULL,
    description         TEXT    NOT NULL,
    created_at          INTEGER NOT NULL,
    modified_at         INTEGER NOT NULL,
    content_created_at  INTEGER NOT NULL,
    content_modified_at INTEGER NOT NULL,
    trashed_at          INTEGER NOT NULL,
    created_by          INTEGER NOT NULL,
    modified_by         INTEGER NOT NULL,
    owner               INTEGER NOT NULL REFERENCES account (id),
    current             INTEGER REFERENCES version (id) -- NULL for a folder
) STRICT;
CREATE UNIQUE INDEX item_name ON item (parent, name_key) WHERE trashed_at = 0;
CREATE INDEX item_trashed_at ON item (trashed_at, id) WHERE trashed_at <> 0;
CREATE INDEX item_trash ON item (owner, kind, name_key, id) WHERE trashed_at <> 0;
CREATE INDEX item_listing ON item (parent, kind, name_key, id) WHERE trashed_at = 0;
-- Not for any query: a delete looks through them for rows that refer to the one that goes.
CREATE INDEX item_parent ON item (parent);
CREATE INDEX item_current ON item (current);

CREATE TABLE version (
    id         INTEGER PRIMARY KEY,
    file       INTEGER NOT NULL REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED,
    number     INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    sha1       BLOB    NOT NULL,
    manifest   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by INTEGER NOT NULL,
    trashed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX version_file ON version (file, number);
CREATE UNIQUE INDEX version_manifest ON version (manifest);

CREATE TABLE session (
    id          BLOB    NOT NULL PRIMARY KEY,
    owner       INTEGER NOT NULL REFERENCES account (id),
    file        INTEGER NOT NULL, -- 0 for a new file
    folder      INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    file_size   INTEGER NOT NULL,
    part_size   INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('open', 'committing', 'committed', 'aborted', 'expired')),
    done        INTEGER NOT NULL GENERATED ALWAYS AS (CASE WHEN state IN ('open', 'committing') THEN 0 ELSE 1 END) VIRTUAL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    manifest    INTEGER NOT NULL,
    reserved    INTEGER NOT NULL, -- bytes
    front       INTEGER NOT NULL, -- bytes of the file hashed from its start
    front_state BLOB,
    front_sum   BLOB,
    lease       INTEGER NOT NULL,
    sha1        BLOB,
    version     INTEGER NOT NULL,
    committed   INTEGER NOT NULL,
    sequence    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_owner ON session (owner, done, expires_at);
CREATE INDEX session_expiry ON session (done, expires_at, id);
CREATE INDEX session_state ON session (state, id);
CREATE UNIQUE INDEX session_manifest ON session (manifest);

CREATE TABLE session_log (
    session    BLOB    NOT NULL,
    n          INTEGER NOT NULL, -- from 1
    at         INTEGER NOT NULL,
    event      TEXT    NOT NULL,
    part       TEXT,
    part_start INTEGER, -- NULL unless about a part
    part_size  INTEGER,
    part_sha1  BLOB,
    status     INTEGER NOT NULL,
    code       TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    PRIMARY KEY (session, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE part (
    manifest    INTEGER NOT NULL,
    start       INTEGER NOT NULL, -- bytes into the content
    size        INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    sha1        BLOB    NOT NULL,
    blob        BLOB    NOT NULL,
    sha512      BLOB,
    created_at  INTEGER NOT NULL,
    state_after BLOB, -- 8 bytes length and 20 bytes SHA-1 chaining value, big-endian
    PRIMARY KEY (manifest, start)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX part_id ON part (manifest, id);
CREATE INDEX part_blob ON part (blob);
CREATE INDEX part_sha512 ON part (sha512, size) WHERE sha512 IS NOT NULL;
CREATE INDEX part_unhashed ON part (blob) WHERE sha512 IS NULL;
