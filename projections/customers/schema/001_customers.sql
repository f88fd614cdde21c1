-- Times are microseconds since 1970, UTC.
CREATE TABLE customers (
	id         TEXT PRIMARY KEY,
	inquiry    TEXT NOT NULL, -- name and address come from it
	first_seen INTEGER NOT NULL,
	last_seen  INTEGER NOT NULL,
	tickets    INTEGER NOT NULL, -- how many, kept by events
	name       TEXT NOT NULL,
	address    TEXT NOT NULL,
	erased     INTEGER NOT NULL
);

CREATE TABLE customer_tickets (
	customer TEXT NOT NULL,
	opened   INTEGER NOT NULL, -- position in the customer's own count
	ticket   TEXT NOT NULL,
	PRIMARY KEY (customer, opened)
) WITHOUT ROWID;
