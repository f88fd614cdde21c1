// Package accounts knows the agents: who they are, how they prove it, and for
// how long that is believed.
//
// Who is an agent is a fact and stands in the journal, name and address sealed.
// How an agent proves it is state and stands only in this room's own database:
// passwords as argon2id hashes, sessions and API tokens as SHA-256 digests of
// 256 random bits. Losing the database loses logins, never an agent.
//
// It promises that an unknown address costs a login the same work as a wrong
// password, that the number of passwords judged at once is bounded, that tries
// are limited for each client and each address, that a changed password ends every
// session, and one that somebody else changed or a deactivated agent every token
// too, within the life of the lookup cache (five seconds; at once in the process
// that did it), and that no secret can be read back from the database.
//
// It never writes a credential into an event or a log.
package accounts
