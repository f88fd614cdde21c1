// Package api is the JSON API under /api/v1 that agents' programs and the
// console use. Every operation is registered with Huma, one file for each
// resource, so that /api/openapi.json is made from the handlers and cannot
// disagree with them.
//
// It promises that every id in a request is looked up before anything is done
// with it, that a read waits for the position the client names (two seconds at
// most) and says which position it shows, that a command repeated under the same
// Idempotency-Key is done once, and that every error is a Problem (RFC 9457)
// with a stable code.
//
// It decides nothing: commands go to services/desk and services/accounts, reads
// to the projections. It never knows an HTTP status for an error of theirs; the
// gateway gives it the one function that does.
package api
