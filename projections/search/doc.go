// Package search finds tickets by the words in them: subject, messages, notes,
// and the customer's name and address; and by their number.
//
// It promises that a ticket is found when it holds all the words, wherever in it
// they stand, the last word also by its beginning; that hits are ranked by where
// the words stand and how fresh the ticket is; and that the work for a query is
// bounded whatever there is to find: of very many hits the tickets opened last
// are ranked.
//
// Words are folded to lower case without accents, and cut from running text by
// this package, not by the engine, so that what is put in, asked for and
// highlighted is cut alike. Texts are readable in its file, which is its own,
// with its own writer, so that full text never holds the other views up; Erase
// takes them back, and secure_delete, here and in FTS5, leaves nothing behind.
//
// It never matches inside a word and knows no grammar.
package search
