// Package scan proves that a text is gone. It knows every place where bytes of
// the hub come to rest (the store register), what to look for (needles: keyed
// hashes, so that knowing them says nothing about the text), and reads every byte
// of every place, through the encodings and compressions in which a text may hide
// (PRIVACY 4.9).
//
// It promises that a file which no entry of the register knows is reported, never
// passed over; that what it found it names by place and offset and never by text;
// and that it can be shown to see: a scan whose control was not found counts for
// nothing.
//
// It never changes a store, never keeps a text, and knows nothing of events: it
// is told of logical contents (the log, read through its own door, since its files
// are compressed) as feeds.
package scan
