-- Schema 1 of vault.db. Times are milliseconds since 1970-01-01 UTC. A subject
-- is 16 bytes where its id is 32 hexadecimal digits, its text otherwise.

-- One live key of one segment.
CREATE TABLE seg_key (
    kid        BLOB PRIMARY KEY,          -- 16 bytes
    subject    BLOB NOT NULL,
    category   TEXT NOT NULL,
    class      TEXT NOT NULL,
    event      BLOB NOT NULL,             -- 16 bytes
    stream     TEXT NOT NULL,
    minted_at  INTEGER NOT NULL,
    anc_kind   INTEGER,                   -- what the retention period runs from
    anc_ref    BLOB,
    anc_at     INTEGER,
    expires_at INTEGER,                   -- derived from class and anchor
    sv         INTEGER NOT NULL,          -- retention schedule at collection
    state      INTEGER NOT NULL,          -- 1 live, 2 restricted, 3 erasure deferred
    hold_n     INTEGER NOT NULL,          -- how many holds keep it
    shard      INTEGER NOT NULL,          -- always 0 in schema 1
    epoch      INTEGER NOT NULL,
    wrapped    BLOB NOT NULL,             -- nonce (12) . AES-256-GCM(DEK) (32) . tag (16), AAD = kid
    kc         BLOB NOT NULL              -- SHA-256("ws-kc1" . DEK)[:16]
) WITHOUT ROWID;
CREATE INDEX seg_key_subject ON seg_key (subject);
CREATE INDEX seg_key_expires ON seg_key (expires_at) WHERE expires_at IS NOT NULL;

-- What stays of a destroyed key. No key bytes.
CREATE TABLE seg_tomb (
    kid      BLOB PRIMARY KEY,
    order_id BLOB NOT NULL,
    cause    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    kc       BLOB NOT NULL
) WITHOUT ROWID;

-- A destruction that waits for a hold to be released.
CREATE TABLE deferred (
    kid      BLOB PRIMARY KEY,
    order_id BLOB NOT NULL,
    cause    TEXT NOT NULL,
    at       INTEGER NOT NULL
) WITHOUT ROWID;

-- A person, known by a random id. No identity here.
CREATE TABLE subject (
    id         BLOB PRIMARY KEY,
    state      INTEGER NOT NULL,          -- 1 live, 2 fenced
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- The blind index: HMAC-SHA-256(pepper, "email" . 0 . normalised address).
CREATE TABLE ident (
    bidx     BLOB PRIMARY KEY,
    subject  BLOB NOT NULL,
    kind     INTEGER NOT NULL,            -- 1 mail address
    verified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX ident_subject ON ident (subject);

-- Units of work up to this number mint nothing for the subject.
CREATE TABLE fence (
    subject BLOB PRIMARY KEY,
    uow     INTEGER NOT NULL,
    at      INTEGER NOT NULL
) WITHOUT ROWID;

-- A legal hold and the scope it has for keys minted later.
CREATE TABLE hold (
    hid       BLOB PRIMARY KEY,
    scope     TEXT NOT NULL,              -- JSON {"subjects":[],"streams":[]}
    authority TEXT NOT NULL,
    review_at INTEGER,
    state     INTEGER NOT NULL,           -- 1 placed, 2 released
    at        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE hold_seg (
    hid BLOB NOT NULL,
    kid BLOB NOT NULL,
    PRIMARY KEY (hid, kid)
) WITHOUT ROWID;
CREATE INDEX hold_seg_kid ON hold_seg (kid);

-- The key of one epoch: nonce . AES-256-GCM(KEK) . tag under the root key.
CREATE TABLE kek (
    shard   INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (shard, epoch)
) WITHOUT ROWID;

-- Secrets of the instance, wrapped like an epoch's key.
CREATE TABLE secret (
    name    TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL
) WITHOUT ROWID;

-- Small facts about the vault itself.
CREATE TABLE mark (
    k TEXT PRIMARY KEY,
    v BLOB NOT NULL
) WITHOUT ROWID;

-- The access log: who opened keys, as what, what for. One row for each call.
CREATE TABLE opener (
    id      INTEGER PRIMARY KEY,
    actor   TEXT NOT NULL,
    role    TEXT NOT NULL,
    purpose TEXT NOT NULL,
    UNIQUE (actor, role, purpose)
);
CREATE TABLE opened (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    opener INTEGER NOT NULL,
    n      INTEGER NOT NULL,              -- keys given
    denied INTEGER NOT NULL,              -- keys refused by the matrix
    kids   BLOB                           -- the names of the keys given or refused, 16 bytes each; NULL for a view
);
