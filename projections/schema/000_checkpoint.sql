-- How far the view has come: position of the last event in the rows, and the
-- event store the position belongs to.
CREATE TABLE checkpoint (
	one         INTEGER PRIMARY KEY CHECK (one = 1),
	store       TEXT NOT NULL,
	commit_pos  INTEGER NOT NULL,
	prepare_pos INTEGER NOT NULL
);
