-- Schema 2 of vault.db. Times are milliseconds since 1970-01-01 UTC. A subject
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
    anc_kind   INTEGER,                   -- what the retention period runs from; NULL: what the schedule says
    anc_ref    BLOB,                      -- whose end starts it, text; NULL: the stream, or the subject
    anc_at     INTEGER,                   -- when the data were collected; NULL: minted_at
    expires_at INTEGER,                   -- derived from class, schedule and anchor; NULL: no date yet
    sv         INTEGER NOT NULL,          -- retention schedule at collection
    state      INTEGER NOT NULL,          -- 1 live, 2 restricted, 3 erasure deferred
    hold_n     INTEGER NOT NULL,          -- how many holds keep it
    shard      INTEGER NOT NULL,          -- always 0
    epoch      INTEGER NOT NULL,
    wrapped    BLOB NOT NULL,             -- nonce (12) . AES-256-GCM(DEK) (32) . tag (16), AAD = kid
    kc         BLOB NOT NULL,             -- SHA-256("ws-kc1" . DEK)[:16]
    pv         INTEGER NOT NULL DEFAULT 1 -- policy at collection
) WITHOUT ROWID;
CREATE INDEX seg_key_subject ON seg_key (subject);
CREATE INDEX seg_key_stream ON seg_key (stream);
CREATE INDEX seg_key_due ON seg_key (expires_at) WHERE expires_at IS NOT NULL AND hold_n = 0 AND state = 1;
CREATE INDEX seg_key_anchor ON seg_key (anc_ref) WHERE anc_ref IS NOT NULL;

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
    scope     TEXT NOT NULL,              -- JSON, see scope in hold.go
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

-- Versions of the retention schedule and of the privacy policy's matrix, as
-- JSON. seg_key.sv and seg_key.pv name them; policy 1 is the first of the hub.
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

-- What starts a retention period: the end of the process a stream holds, or the
-- last sign of a person. A stream may be bound to another one, whose end counts
-- for it (an inquiry to its ticket).
CREATE TABLE anchor (
    ref   BLOB PRIMARY KEY,               -- a stream or a subject, text
    at    INTEGER,                        -- NULL while the process goes on
    bound BLOB                            -- the stream this one is bound to
) WITHOUT ROWID;
CREATE INDEX anchor_bound ON anchor (bound) WHERE bound IS NOT NULL;

-- People who asked to restrict the use of their data (GDPR article 18).
CREATE TABLE restriction (
    subject BLOB PRIMARY KEY,
    why     TEXT NOT NULL,
    at      INTEGER NOT NULL
) WITHOUT ROWID;

-- Entries of the privacy ledger that were carried out before their forerunners
-- were; mark 'ledger' is the last one without a gap before it.
CREATE TABLE ledger_ahead (
    seq  INTEGER PRIMARY KEY,
    hash TEXT NOT NULL
);

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
    kids   BLOB,                          -- the names of the keys given or refused, 16 bytes each; NULL for a view
    matter TEXT,                          -- the case, demand or request it was for
    second TEXT                           -- the second person, where two are needed
);
