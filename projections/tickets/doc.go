// Package tickets is the view agents work in: tickets in their lists, the
// messages of a ticket, its history, the quarantine, the agents' names, and the
// index of mails taken from each mailbox.
//
// It promises that a list costs the same whatever its size: pages are found by
// key, and the numbers beside the lists are kept by events, never counted. Every
// ticket is on exactly one page of a list that does not change meanwhile.
//
// Subjects, snippets, names and addresses are readable in its file and are taken
// back by Erase. The text of messages is not: it rests sealed, as in the log,
// and is opened for the principal who reads.
//
// A ticket as it stood at a moment is replayed from its streams into rows in
// memory, which no file keeps. Only what today's keys open is in it.
//
// It decides nothing: what a ticket's state is, the events say.
package tickets
