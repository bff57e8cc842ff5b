-- How many sessions of a user are open or committing, those included that
-- expired and were not swept yet: to count the rows took longer with each.

-- +goose Up
CREATE TABLE session_count (
    owner INTEGER PRIMARY KEY,
    open  INTEGER NOT NULL
) STRICT;
INSERT INTO session_count (owner, open) SELECT owner, COUNT(*) FROM session WHERE done = 0 GROUP BY owner;

-- +goose Down
DROP TABLE session_count;
