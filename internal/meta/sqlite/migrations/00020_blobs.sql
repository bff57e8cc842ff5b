-- +goose Up
CREATE TABLE blob (
    n     INTEGER PRIMARY KEY, -- new ones come behind the others, so that rows are not moved for them
    key   BLOB    NOT NULL,
    at    INTEGER NOT NULL,
    size  INTEGER NOT NULL,
    bytes BLOB    NOT NULL -- last: who asks for the others reads none of it
) STRICT;
CREATE UNIQUE INDEX blob_key ON blob (key);
