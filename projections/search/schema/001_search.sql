CREATE TABLE tickets (
	n       INTEGER PRIMARY KEY, -- in the order of the log; rowid in words
	id      TEXT NOT NULL UNIQUE,
	number  INTEGER NOT NULL,
	updated INTEGER NOT NULL -- microseconds since 1970, UTC
);
CREATE INDEX tickets_number ON tickets (number);

-- One row for each message. ticket is 0 while nobody knows whose it is.
CREATE TABLE texts (
	id      TEXT PRIMARY KEY, -- inquiry or message
	ticket  INTEGER NOT NULL,
	owner   TEXT NOT NULL,    -- whose segments they are
	stream  TEXT NOT NULL,    -- where the event stands
	subject TEXT NOT NULL,
	person  TEXT NOT NULL,    -- name and address
	body    TEXT NOT NULL
);
CREATE INDEX texts_ticket ON texts (ticket) WHERE ticket > 0;
CREATE INDEX texts_owner ON texts (owner);

-- Which words stand in which ticket: each pair once, folded, without places. The
-- text itself is not kept here.
CREATE VIRTUAL TABLE words USING fts5 (w, content = '', columnsize = 0, detail = none, tokenize = "ascii", prefix = '2 3');
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
