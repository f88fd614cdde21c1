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
	redacted TEXT NOT NULL DEFAULT '', -- where its redaction stands
	subject TEXT NOT NULL,
	person  TEXT NOT NULL,    -- name and address
	body    TEXT NOT NULL
);
CREATE INDEX texts_ticket ON texts (ticket) WHERE ticket > 0;
CREATE INDEX texts_owner ON texts (owner);

-- Which words stand in which ticket: each pair once, folded, without places; and,
-- after an underscore, the first two and three letters of each word. The text
-- itself is not kept here. FTS5's own prefix index is not used, as it may hold a
-- pair twice when a ticket grows, and secure-delete takes out one of them; nor is
-- detail = none, with which secure-delete loses deletions of a word that was also
-- inserted in the same transaction.
CREATE VIRTUAL TABLE words USING fts5 (w, content = '', columnsize = 0, detail = column, tokenize = "ascii tokenchars '_'");
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row);
