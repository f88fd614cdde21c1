-- From schema 1 to schema 2. What these statements make is what schema.sql makes.
DROP INDEX seg_key_expires;
ALTER TABLE seg_key ADD COLUMN pv INTEGER NOT NULL DEFAULT 1;
ALTER TABLE opened ADD COLUMN matter TEXT;
ALTER TABLE opened ADD COLUMN second TEXT;
CREATE INDEX seg_key_stream ON seg_key (stream);
CREATE INDEX seg_key_due ON seg_key (expires_at) WHERE expires_at IS NOT NULL AND hold_n = 0 AND state = 1;
CREATE INDEX seg_key_anchor ON seg_key (anc_ref) WHERE anc_ref IS NOT NULL;
CREATE TABLE schedule (
    version INTEGER PRIMARY KEY,
    doc     TEXT NOT NULL,
    at      INTEGER NOT NULL
);
CREATE TABLE policy (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    doc  TEXT NOT NULL,
    at   INTEGER NOT NULL
);
CREATE TABLE anchor (
    ref   BLOB PRIMARY KEY,
    at    INTEGER,
    bound BLOB
) WITHOUT ROWID;
CREATE INDEX anchor_bound ON anchor (bound) WHERE bound IS NOT NULL;
CREATE TABLE restriction (
    subject BLOB PRIMARY KEY,
    why     TEXT NOT NULL,
    at      INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE ledger_ahead (
    seq  INTEGER PRIMARY KEY,
    hash TEXT NOT NULL
);
