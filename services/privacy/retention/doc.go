// Package retention ends data when their time has come: it tells the vault when
// tickets, deliveries and relationships end, and destroys the keys whose period
// is over.
//
// A sweep is previewed (so many keys, of these classes, with this digest). Within
// the limits of the schedule it goes on by itself, above them it waits for two
// persons. It then destroys only keys of the approved list that are still due,
// through the privacy ledger, leaves a tombstone in every stream it touched,
// brings every view to what a rebuild would give, and closes tickets of which
// nothing is left (PRIVACY 4.10).
//
// It promises:
//   - nothing is destroyed before its time, whatever the machine's clock says: the
//     retention clock moves on by a bounded step, never back, and stops when its
//     sources disagree or it would have to jump;
//   - what is due is destroyed by the next run, unless a hold or the person keeps
//     it;
//   - a sweep that was cut short anywhere is taken up again and ends the same;
//   - a ticket that was opened again is not due.
//
// It never decides how long data are kept (that is the registry's schedule), and
// never opens a segment.
package retention
