-- Times are microseconds since 1970, UTC; 0 is none.

-- One row for each request, hold, demand, case and transfer. doc is the folded
-- state as JSON; the other columns are what lists select by.
CREATE TABLE files (
	n        INTEGER PRIMARY KEY,
	kind     TEXT NOT NULL,
	id       TEXT NOT NULL,
	open     INTEGER NOT NULL,
	due      INTEGER NOT NULL,
	customer TEXT NOT NULL,
	doc      TEXT NOT NULL,
	UNIQUE (kind, id)
);
CREATE INDEX files_due ON files (kind, open, due, n);
CREATE INDEX files_customer ON files (customer, kind) WHERE customer != '';

-- What happened in these streams, and in those of the rules, in clear facts.
CREATE TABLE steps (
	n      INTEGER PRIMARY KEY,
	stream TEXT NOT NULL,
	type   TEXT NOT NULL,
	at     INTEGER NOT NULL,
	actor  TEXT NOT NULL,
	facts  TEXT NOT NULL
);
CREATE INDEX steps_stream ON steps (stream, n);
CREATE INDEX steps_type ON steps (type, n);

-- Where each consent stands.
CREATE TABLE consents (
	customer TEXT NOT NULL,
	purpose  TEXT NOT NULL,
	channel  TEXT NOT NULL,
	state    TEXT NOT NULL, -- asked, live, withdrawn, objected
	since    INTEGER NOT NULL,
	method   TEXT NOT NULL,
	PRIMARY KEY (customer, purpose)
) WITHOUT ROWID;

-- Who was given what of whom.
CREATE TABLE disclosures (
	n          INTEGER PRIMARY KEY,
	recipient  TEXT NOT NULL,
	customer   TEXT NOT NULL,
	purpose    TEXT NOT NULL,
	categories TEXT NOT NULL,
	about      TEXT NOT NULL,
	refused    TEXT NOT NULL, -- code of the rule; empty: it was given
	silent     INTEGER NOT NULL,
	at         INTEGER NOT NULL
);
CREATE INDEX disclosures_customer ON disclosures (customer, n);
CREATE INDEX disclosures_recipient ON disclosures (recipient, n);

-- Everybody the house knows, by random id.
CREATE TABLE people (
	id     TEXT PRIMARY KEY,
	since  INTEGER NOT NULL,
	erased INTEGER NOT NULL
) WITHOUT ROWID;
