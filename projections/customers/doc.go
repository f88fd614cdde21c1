// Package customers is the view of people: how a person is called, since when
// the house knows them, and their tickets.
//
// A person's name and address come from the first inquiry they sent, and from no
// other: so the row depends on facts and on one key alone. Both are readable in
// the file and are taken back by Erase.
//
// It never joins two people into one, and knows nobody by address: that map is
// the vault's.
package customers
