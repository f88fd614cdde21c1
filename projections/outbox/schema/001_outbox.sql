-- Times are microseconds since 1970, UTC.
CREATE TABLE outbound (
	n          INTEGER PRIMARY KEY, -- in the order of the log
	id         TEXT NOT NULL UNIQUE,
	kind       TEXT NOT NULL,
	channel    TEXT NOT NULL,
	ticket     TEXT NOT NULL,
	message    TEXT NOT NULL,
	mailbox    TEXT NOT NULL,
	customer   TEXT NOT NULL,
	domain     TEXT NOT NULL,
	message_id TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	state      TEXT NOT NULL,
	phase      INTEGER NOT NULL, -- 0 done, 1 waits until next_at, 2 claimed until next_at, 3 bytes going out, claimed until next_at
	next_at    INTEGER NOT NULL,
	attempts   INTEGER NOT NULL,
	worker     TEXT NOT NULL,
	code       TEXT NOT NULL,
	detail     TEXT NOT NULL,
	revision   INTEGER NOT NULL,
	to_name    TEXT NOT NULL,
	to_address TEXT NOT NULL,
	subject    TEXT NOT NULL,
	erased     INTEGER NOT NULL,
	address    TEXT NOT NULL,    -- keyed hash of the recipient's address
	base_at    INTEGER NOT NULL, -- when it could have gone at the earliest; its age counts from here
	delayed    INTEGER NOT NULL, -- its writer was told that it waits
	archived   INTEGER NOT NULL  -- the newest attempt had the archive among its recipients
);
CREATE INDEX outbound_state ON outbound (state, n);
CREATE INDEX outbound_due ON outbound (phase, domain, next_at) WHERE phase > 0;
CREATE INDEX outbound_next ON outbound (next_at) WHERE phase IN (1, 2);
CREATE INDEX outbound_late ON outbound (kind, base_at) WHERE phase = 1;
CREATE INDEX outbound_age ON outbound (base_at) WHERE phase > 0;
CREATE INDEX outbound_refused ON outbound (n) WHERE phase = 1 AND detail = 'login';
CREATE INDEX outbound_unknown ON outbound (updated_at) WHERE state = 'unknown';
CREATE INDEX outbound_returned ON outbound (address, updated_at) WHERE state IN ('failed', 'bounced');
CREATE INDEX outbound_customer ON outbound (customer);
CREATE INDEX outbound_message ON outbound (message);

-- Messages in each state, kept by events.
CREATE TABLE counters (
	name TEXT PRIMARY KEY,
	n    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE numbers (
	ticket TEXT PRIMARY KEY,
	number INTEGER NOT NULL
) WITHOUT ROWID;

-- Addresses that are not written to. Only their keyed hashes are known here.
CREATE TABLE suppressed (
	n        INTEGER PRIMARY KEY,
	address  TEXT NOT NULL UNIQUE,
	customer TEXT NOT NULL,
	kind     TEXT NOT NULL,
	since    INTEGER NOT NULL,
	outbound TEXT NOT NULL,
	agent    TEXT NOT NULL
);
CREATE INDEX suppressed_customer ON suppressed (customer);
