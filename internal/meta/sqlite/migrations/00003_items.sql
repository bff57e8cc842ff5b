-- Totals: a file's size is that of its current version; a folder's size is the
-- sum of all files below it, and folders, files and links count what is in it.
-- What was put in the trash by itself is left out of the totals of the folders
-- above it.

-- +goose Up
ALTER TABLE item ADD COLUMN size INTEGER NOT NULL DEFAULT 0; -- bytes
ALTER TABLE item ADD COLUMN folders INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN links INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN limbo INTEGER NOT NULL DEFAULT 0; -- 1: the top of a copy at work, 2: of what is being deleted
ALTER TABLE item ADD COLUMN extra TEXT; -- JSON: what few items have; NULL for nothing

UPDATE item SET size = (SELECT v.size FROM version v WHERE v.id = item.current) WHERE current IS NOT NULL;
UPDATE item SET
    folders = (SELECT COUNT(*) FROM item c WHERE c.parent = item.id AND c.kind = 0 AND c.trashed_at = 0),
    files   = (SELECT COUNT(*) FROM item c WHERE c.parent = item.id AND c.kind = 1 AND c.trashed_at = 0),
    size    = (
        WITH RECURSIVE below (id, current) AS (
            SELECT c.id, c.current FROM item c WHERE c.parent = item.id AND c.trashed_at = 0
            UNION ALL
            SELECT i.id, i.current FROM below JOIN item i ON i.parent = below.id AND i.trashed_at = 0
        )
        SELECT COALESCE(SUM(v.size), 0) FROM below JOIN version v ON v.id = below.current)
WHERE kind = 0;

-- Each order of a listing has its index, and deletes look through the first of
-- them for rows that refer to the one that goes.
DROP INDEX item_parent;
CREATE INDEX item_by_id ON item (parent, kind, trashed_at, id);
CREATE INDEX item_by_date ON item (parent, kind, modified_at, id) WHERE trashed_at = 0;
CREATE INDEX item_by_size ON item (parent, kind, size, id) WHERE trashed_at = 0;
CREATE INDEX item_limbo ON item (limbo, id) WHERE limbo <> 0;

ALTER TABLE version ADD COLUMN trashed_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE version ADD COLUMN restored_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE version ADD COLUMN restored_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE version ADD COLUMN promoted_from INTEGER NOT NULL DEFAULT 0;
CREATE INDEX version_trashed_at ON version (trashed_at, id) WHERE trashed_at <> 0;

-- Copies and promoted versions share the manifest of what they were made from.
DROP INDEX version_manifest;
CREATE INDEX version_manifest ON version (manifest);

-- Events take their position from the counter, in the transaction that makes
-- the change. event_for says whose stream an event is in.
CREATE TABLE counter (
    name TEXT    NOT NULL PRIMARY KEY,
    n    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    id       BLOB    NOT NULL,
    type     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    actor    INTEGER NOT NULL,
    source   TEXT    NOT NULL -- JSON: the item as it was
) STRICT;
CREATE INDEX event_at ON event (at, position);
CREATE TABLE event_for (
    account  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_for_position ON event_for (position);
