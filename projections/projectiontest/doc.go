// Package projectiontest is a log in memory for testing views: events written by
// hand, sealed with keys that can be destroyed, read like a journal.
//
// It promises what a view relies on: order, positions that grow, segments opened
// with the keys of the moment, and a subscription that goes on with what is added
// later. Sealing here hides text from a byte scan; it is not encryption.
package projectiontest
