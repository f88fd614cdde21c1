// Package gateway is reception: the one listener where agents, programs and
// visitors meet the house.
//
// It promises that every response carries the security headers, that every
// error is a problem with a stable code made in one place (errors.go), that a
// request that changes something and carries a cookie comes from our own page,
// that no body larger than its route allows is read, that nobody is limited or
// believed by a header they can forge, and that it stops in order: streams say
// goodbye, running requests end, nothing new begins.
//
// It never decides anything about tickets, never reads the journal, and never
// logs a path, an address or a body: routes, statuses and request ids only.
package gateway
