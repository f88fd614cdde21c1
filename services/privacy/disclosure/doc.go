// Package disclosure is the part of the privacy office that keeps data for the law
// and hands data out: legal holds, demands of authorities, business transfers, the
// compartment of investigations, and the one way out to recipients.
//
// It promises:
//   - a hold keeps its segments from the moment it is proposed, by the vault's own
//     hand; it is placed, extended and released only with a second person;
//   - a package for an authority holds exactly the segments that two different
//     persons approved, can be checked without the hub, and is noted in the disclosure
//     log; the person is told, at once or when the gag ends;
//   - a case's file opens for nobody whom a second person did not let in, for no longer
//     than was granted, and every reading is noted;
//   - nothing goes to a recipient that the register does not cover, and what was
//     refused is noted as well;
//   - a business transfer writes once to every live person, and what was erased stays
//     erased on the other side.
//
// It never erases anything but by releasing a hold, and never reads a person's data
// for a purpose of its own.
package disclosure
