// Package live tells open browsers what changed, as server-sent events (WHATWG
// HTML, section 9.2).
//
// It promises that a browser that reconnects with its last id misses nothing
// and sees nothing twice; that one that was away for too long is told to look
// again (event reset); that a slow browser delays nobody; that a browser whose
// session ended is told so (event session) within one heartbeat; and that every
// stream says goodbye (event bye) when the house closes.
//
// Events hold ids and revisions, never text: what changed is fetched through the
// API, where rights are checked. It never keeps a queue per browser: each stream
// re-reads the feed from its own position when it is woken.
//
// Facts about the server underneath that shape it (measured): the server's write
// timeout would end a stream, so a deadline is set before every flush; a browser
// that left is only noticed by a write that fails, so the heartbeat is
// load-bearing; the stream is written after the handler returned, so nothing of
// the request is touched in it.
package live
