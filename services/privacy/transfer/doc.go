// Package transfer carries a business, or a part of it, from one hub to another
// (policy clause 3.3): the log, its keys under the receiver's key, what was
// destroyed, and the proof that both hubs fold the same state from it.
//
// It promises:
//   - an export opens for the one hub it was made for, and that hub's key to it is
//     destroyed when the import is done: the file opens nothing any more;
//   - events travel byte for byte, in the order of the log; the receiver reads its own
//     log back and must reach the sender's Merkle root and state digest;
//   - tombstones travel: what was erased at the sender, or meanwhile at the receiver,
//     opens nowhere again; data whose use a person restricted stay at the sender;
//   - an import may be cut short anywhere and repeated, and a second one changes
//     nothing; nothing is written before the whole file was checked;
//   - the sender destroys its own keys only against a receipt that the receiver
//     signed, and with a second person; held ones follow when their hold ends.
//
// It never writes to people (the office of disclosure announces a transfer), and
// never carries what belongs to the house and not to its customers: accounts of
// agents, case files, demands, requests of people, lists of notices, and places in
// mailboxes. Keyed
// hashes are the sender's: an answer to a mail from before the transfer opens a new
// request at the receiver, of the same person.
package transfer
