-- Which items a user keeps among the favourites, and since when.

-- +goose Up
CREATE TABLE favourite (
    account INTEGER NOT NULL REFERENCES account (id),
    item    INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX favourite_at ON favourite (account, at, item);
CREATE INDEX favourite_item ON favourite (item);
