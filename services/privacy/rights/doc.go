// Package rights is the desk of the privacy office at which people are served:
// it takes requests about their own data (GDPR art. 15 to 21, CCPA), keeps the
// ledger of notices, consents and objections, and stands at the gate of the
// outbox.
//
// It promises:
//   - a request has its deadlines from the moment it is received, counted by
//     Regulation (EEC, Euratom) 1182/71, and reminds before they pass;
//   - whoever asks at the privacy centre gets the same answer whatever the address,
//     and a link only at the address on file;
//   - an acknowledged notice never counts as consent (policy P0); consent is for one
//     purpose, confirmed through a link, and taken back with one click (RFC 8058);
//   - the gate is a function of the person's own stream, so it says at the claim of
//     a message what is true then, not what was true when it was queued;
//   - a copy of somebody's data names no other person and none of the staff, and its
//     link works once.
//
// It never erases anybody (services/privacy/erasure does), never decides by the
// clock alone that a request is done, and never shows to one person what belongs
// to another.
package rights
