-- Times are microseconds since 1970, UTC. No column holds a person's name,
-- address or words: people are random ids.
CREATE TABLE notices (
	n   INTEGER PRIMARY KEY, -- in the order of the log
	id  TEXT NOT NULL UNIQUE,
	doc TEXT NOT NULL        -- JSON of Notice, without counts
);

CREATE TABLE templates (
	n   INTEGER PRIMARY KEY,
	id  TEXT NOT NULL UNIQUE,
	doc TEXT NOT NULL        -- JSON of Template
);

-- Everybody on a notice's list who has a message or a reason for none.
CREATE TABLE recipients (
	outbound   TEXT PRIMARY KEY,
	notice     TEXT NOT NULL,
	customer   TEXT NOT NULL,
	state      TEXT NOT NULL,
	detail     TEXT NOT NULL, -- why not, or the class or code of the last outcome
	updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX recipients_state ON recipients (notice, state, outbound);

-- How many are in each state, kept by events; skipped and cancelled ones by reason.
CREATE TABLE counts (
	notice TEXT NOT NULL,
	state  TEXT NOT NULL,
	detail TEXT NOT NULL,
	n      INTEGER NOT NULL,
	PRIMARY KEY (notice, state, detail)
) WITHOUT ROWID;

-- Whoever has a ticket may be written to.
CREATE TABLE people (
	customer   TEXT PRIMARY KEY,
	mailbox    TEXT NOT NULL, -- they wrote to last
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE mailboxes (
	mailbox   TEXT NOT NULL,
	customer  TEXT NOT NULL,
	last_seen INTEGER NOT NULL,
	PRIMARY KEY (mailbox, customer)
) WITHOUT ROWID;
