// Package blobs keeps sealed files in a folder: raw mail, attachments and
// rendered messages that are too large to travel inside their event.
//
// It promises:
//   - what Put took is durable when it returns, whole or not at all;
//   - Get returns the bytes that were put, or an error: a file that was changed
//     on the disk is reported, never returned.
//
// It never sees text of a customer: every file is a ciphertext whose key rests
// in the vault, named by the SHA-256 of its bytes. So names say nothing, equal
// names mean equal bytes, and destroying a key makes the file noise wherever
// copies of it are.
//
// On the disk, the file abcdef… is <folder>/ab/abcdef…, and <folder>/tmp holds
// what is being written. Nothing else is read, and nothing is ever changed.
package blobs
