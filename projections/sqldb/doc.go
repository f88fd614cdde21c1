// Package sqldb opens the SQL databases of the house: one SQLite file for each
// view, with one writer and a few readers that never wait for each other (WAL).
//
// It promises that what a Write function did is committed whole or not at all,
// that a Read function sees one snapshot, and that a file can be replaced by a
// rebuilt one while readers come and go. Freed space is overwritten
// (secure_delete), so that what was purged is not left in the file.
//
// It is the only room that knows the SQL engine. Views use Tx alone and write
// portable SQL (ON CONFLICT, RETURNING, row values; no engine functions), except
// search, which is made of FTS5. A second engine would have to bring: opening,
// placeholders, Beside and Swap (two schemas instead of two files), and a search
// of its own.
//
// It never holds a connection between two calls of Read, and never runs DDL
// outside the schema files.
package sqldb
