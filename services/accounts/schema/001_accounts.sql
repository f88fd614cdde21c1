-- agents is a view of the journal and can be rebuilt; everything else is state.
CREATE TABLE agents (
  id         TEXT PRIMARY KEY,
  email      TEXT NOT NULL,          -- lower-case; empty when the profile is erased
  name       TEXT NOT NULL,
  role       TEXT NOT NULL,
  active     INTEGER NOT NULL,
  added_at   INTEGER NOT NULL        -- Unix milliseconds, like every time here
);
CREATE UNIQUE INDEX agents_by_email ON agents (email) WHERE active = 1 AND email <> '';

CREATE TABLE checkpoint (
  one      INTEGER PRIMARY KEY CHECK (one = 1),
  store    TEXT NOT NULL,            -- identity of the event store the position belongs to
  position TEXT NOT NULL
);

CREATE TABLE passwords (
  agent      TEXT PRIMARY KEY,
  hash       TEXT NOT NULL,          -- PHC string: $argon2id$v=19$m=…,t=…,p=…$salt$hash
  changed_at INTEGER NOT NULL
);

CREATE TABLE sessions (
  digest     BLOB PRIMARY KEY,       -- SHA-256 of the token
  agent      TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL
);
CREATE INDEX sessions_by_agent ON sessions (agent);
CREATE INDEX sessions_by_seen ON sessions (seen_at);

CREATE TABLE tokens (
  digest     BLOB PRIMARY KEY,       -- SHA-256 of the token
  id         TEXT NOT NULL UNIQUE,
  agent      TEXT NOT NULL,
  name       TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER NOT NULL        -- 0: never
);
CREATE INDEX tokens_by_agent ON tokens (agent);
