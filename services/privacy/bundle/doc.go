// Package bundle makes and checks the sealed files that the privacy office hands
// out: copies of a person's data, disclosure packages, certificates' annexes.
//
// A bundle is a ZIP archive of plain files, a manifest that lists each with its
// size and SHA-256 and the Merkle root over them (RFC 6962 section 2.1), and a
// detached Ed25519 signature (RFC 8032) of the manifest. It can be checked without
// the hub, on a machine without a network.
//
// It promises that the same files give the same bytes, and that a check fails when
// anything was added, taken away, renamed or changed. It never encrypts: whoever
// keeps a bundle seals it.
package bundle
