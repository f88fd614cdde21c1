-- Times are microseconds since 1970, UTC. Tables refer to a ticket by n, which
-- counts tickets in the order of the log.
CREATE TABLE tickets (
	n                INTEGER PRIMARY KEY,
	id               TEXT NOT NULL UNIQUE,
	number           INTEGER NOT NULL,
	channel          TEXT NOT NULL,
	mailbox          TEXT NOT NULL,
	form             TEXT NOT NULL,
	customer         TEXT NOT NULL,
	related          TEXT NOT NULL,
	created_at       INTEGER NOT NULL,
	status           TEXT NOT NULL,
	closed           INTEGER NOT NULL, -- 1 when resolved or closed
	priority         TEXT NOT NULL,
	assignee         TEXT NOT NULL,
	tags             TEXT NOT NULL, -- JSON array, sorted
	updated_at       INTEGER NOT NULL,
	resolved_at      INTEGER NOT NULL,
	revision         INTEGER NOT NULL,
	unverified       INTEGER NOT NULL,
	last_kind        TEXT NOT NULL,
	first_message    TEXT NOT NULL, -- subject and erased come from it
	contact_message  TEXT NOT NULL, -- customer's name and address come from it
	last_message     TEXT NOT NULL, -- snippet comes from it
	subject          TEXT NOT NULL,
	snippet          TEXT NOT NULL,
	customer_name    TEXT NOT NULL,
	customer_address TEXT NOT NULL,
	erased           INTEGER NOT NULL
);
CREATE INDEX tickets_number ON tickets (number);
CREATE INDEX tickets_all ON tickets (updated_at DESC, id);
CREATE INDEX tickets_closed ON tickets (closed, updated_at DESC, id);
CREATE INDEX tickets_assignee ON tickets (assignee, updated_at DESC, id) WHERE closed = 0;
CREATE INDEX tickets_customer ON tickets (customer, updated_at DESC, id);

-- The numbers beside the lists: all, open, unassigned, resolved, mine:<agent>,
-- held, mailbox:<mailbox> (mails taken). Kept by events.
CREATE TABLE counters (
	name TEXT PRIMARY KEY,
	n    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE messages (
	ticket      INTEGER NOT NULL,
	seq         INTEGER NOT NULL, -- revision in the ticket's stream
	id          TEXT NOT NULL,
	kind        TEXT NOT NULL,
	at          INTEGER NOT NULL,
	box         INTEGER NOT NULL, -- 0: nothing sealed
	agent       TEXT NOT NULL,
	class       TEXT NOT NULL,
	why         TEXT NOT NULL,
	warnings    TEXT NOT NULL, -- JSON array, or empty
	unverified  INTEGER NOT NULL,
	commit_pos  INTEGER NOT NULL,
	prepare_pos INTEGER NOT NULL,
	PRIMARY KEY (ticket, seq)
) WITHOUT ROWID;
CREATE INDEX messages_reply ON messages (id) WHERE kind = 'reply';

-- Sealed events as they stand in the log (box.go).
CREATE TABLE boxes (
	n       INTEGER PRIMARY KEY,
	id      TEXT NOT NULL,    -- inquiry, message or agent
	ticket  INTEGER NOT NULL, -- of what an agent wrote; otherwise 0
	subject TEXT NOT NULL,    -- whose segments they are
	sealed  BLOB NOT NULL
);
CREATE INDEX boxes_subject ON boxes (subject);

-- What a redaction left of a message: the box of MessageRedacted, 0 when nothing.
CREATE TABLE redactions (
	message TEXT PRIMARY KEY,
	ticket  INTEGER NOT NULL,
	box     INTEGER NOT NULL,
	spans   INTEGER NOT NULL,
	reason  TEXT NOT NULL
) WITHOUT ROWID;

-- Files of an inquiry or an answer: 0 is the raw mail, from 1 on those of a form or an answer. blob is an
-- events.Blob as JSON without its ciphertext, which stands beside it when small.
CREATE TABLE files (
	box    INTEGER NOT NULL,
	file   INTEGER NOT NULL,
	blob   TEXT NOT NULL,
	inline BLOB,
	PRIMARY KEY (box, file)
);

CREATE TABLE inquiries (
	id           TEXT PRIMARY KEY,
	box          INTEGER NOT NULL,
	mailbox      TEXT NOT NULL,
	form         TEXT NOT NULL,
	uidvalidity  INTEGER NOT NULL,
	uid          INTEGER NOT NULL,
	arrived_at   INTEGER NOT NULL,
	class        TEXT NOT NULL,
	warnings     TEXT NOT NULL,
	size         INTEGER NOT NULL,
	from_name    TEXT NOT NULL,
	from_address TEXT NOT NULL,
	subject      TEXT NOT NULL,
	snippet      TEXT NOT NULL,
	erased       INTEGER NOT NULL, -- the letter cannot be read any more
	ticket       INTEGER NOT NULL, -- 0: none
	state        TEXT NOT NULL,    -- empty, held, released, discarded
	reason       TEXT NOT NULL,
	detail       TEXT NOT NULL
);
CREATE INDEX inquiries_uid ON inquiries (mailbox, uidvalidity, uid) WHERE uid > 0;
CREATE INDEX inquiries_state ON inquiries (arrived_at DESC, id) WHERE state <> '';

CREATE TABLE deliveries (
	outbound TEXT PRIMARY KEY,
	message  TEXT NOT NULL,
	ticket   INTEGER NOT NULL,
	state    TEXT NOT NULL,
	detail   TEXT NOT NULL,
	send_at  INTEGER NOT NULL
);
CREATE INDEX deliveries_message ON deliveries (message);

CREATE TABLE history (
	ticket      INTEGER NOT NULL,
	commit_pos  INTEGER NOT NULL,
	prepare_pos INTEGER NOT NULL,
	at          INTEGER NOT NULL,
	type        TEXT NOT NULL,
	actor       TEXT NOT NULL,
	arg         TEXT NOT NULL,
	PRIMARY KEY (ticket, commit_pos, prepare_pos)
) WITHOUT ROWID;

CREATE TABLE agents (
	id     TEXT PRIMARY KEY,
	box    INTEGER NOT NULL,
	name   TEXT NOT NULL,
	email  TEXT NOT NULL,
	role   TEXT NOT NULL,
	active INTEGER NOT NULL
);
