// Package notices is the view of messages to many: drafts and templates, how far
// each notice has come, what became of each of its messages, and whom a notice
// could be written to.
//
// It promises that the counts of a notice are those of its rows, whatever order
// outcomes came in, and that a person is counted once.
//
// It never keeps a name, an address or a word of a customer: people are random
// ids here, so there is nothing to take back when one is erased. What a notice
// says stands here in the clear: it is the same for everybody.
package notices
