// Package seal closes and opens the personal segments of events, with a key of
// the vault for each.
//
// It promises:
//   - the key of a segment is durable before its ciphertext exists anywhere;
//   - a ciphertext opens only as the segment it was sealed as: moved to another
//     event, stream, place, person, category, class or purpose, or changed in
//     one bit, it gives ErrTamper;
//   - what the vault does not give is a result, not an error: Erased with its
//     tombstone, Restricted or Denied with the reason;
//   - no error carries a value that was sealed.
//
// It never decides who may read what: the vault does, and seal adds only that a
// segment is not opened for a purpose it was not collected for. It keeps
// nothing: no key, no text, no file.
package seal
