// Package bench measures the product the way its users meet it: the built binary
// as a process of its own, a real Dovecot in front of it, and its HTTP API. What
// counts is the ratio between a figure and a baseline measured in the same run
// (raw fsync, Pebble's synced commits), because a figure alone says more about
// the machine than about the program.
//
// It promises to print JSON with every figure, the number of mails and seconds it
// was measured over, and what was switched off. It sends traffic to loopback
// only, and ends by itself.
//
// It is no test: nothing here passes or fails.
package bench
