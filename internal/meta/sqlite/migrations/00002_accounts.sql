-- Accounts with a profile, a status and a password, applications with what they
-- may do, and tokens that come from grants.

-- +goose Up
ALTER TABLE account ADD COLUMN name_key TEXT NOT NULL DEFAULT ''; -- case folded
ALTER TABLE account ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
ALTER TABLE account ADD COLUMN app_user INTEGER NOT NULL DEFAULT 0; -- has no login page
ALTER TABLE account ADD COLUMN external_id TEXT NOT NULL DEFAULT ''; -- what an application calls an app user
ALTER TABLE account ADD COLUMN profile TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE account ADD COLUMN password TEXT NOT NULL DEFAULT ''; -- argon2id with its parameters; '' lets nobody in
ALTER TABLE account ADD COLUMN deleted_at INTEGER NOT NULL DEFAULT 0; -- the row stays: others' items name it
ALTER TABLE account ADD COLUMN purged INTEGER NOT NULL DEFAULT 0; -- deleted, and all that it owned has gone
UPDATE account SET name_key = lower(name);
CREATE INDEX account_deleted ON account (deleted_at, id) WHERE deleted_at <> 0 AND purged = 0;

ALTER TABLE app ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '[]'; -- JSON, a list
ALTER TABLE app ADD COLUMN grants TEXT NOT NULL DEFAULT '["authorization_code","client_credentials","jwt"]'; -- JSON, a list
ALTER TABLE app ADD COLUMN service INTEGER REFERENCES account (id); -- NULL until it is first needed
-- What the first start made so far had none, and worked with programs on this machine only.
UPDATE app SET redirect_uris = '["http://localhost","http://127.0.0.1","http://[::1]"]';

CREATE TABLE app_key (
    app        TEXT    NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    id         TEXT    NOT NULL,
    public_key BLOB    NOT NULL, -- SubjectPublicKeyInfo, DER
    created_at INTEGER NOT NULL,
    PRIMARY KEY (app, id)
) STRICT, WITHOUT ROWID;

ALTER TABLE token ADD COLUMN grant_id TEXT NOT NULL DEFAULT ''; -- shared by what was granted together
ALTER TABLE token ADD COLUMN parent BLOB REFERENCES token (hash) ON DELETE CASCADE; -- what it was exchanged for
ALTER TABLE token ADD COLUMN detail TEXT NOT NULL DEFAULT ''; -- JSON: scopes of a token, terms of a code
CREATE INDEX token_grant ON token (grant_id) WHERE grant_id <> '';
CREATE INDEX token_parent ON token (parent);
CREATE INDEX token_app ON token (app);
CREATE INDEX token_expiry ON token (expires_at) WHERE expires_at <> 0;

-- JWT assertions that were used, until they expire.
CREATE TABLE assertion (
    hash       BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of the client id and the jti
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX assertion_expiry ON assertion (expires_at);
