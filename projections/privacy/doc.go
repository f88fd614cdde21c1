// Package privacy is the view of the privacy office: requests of people with their
// deadlines and steps, legal holds, demands, cases, transfers, consents, who was
// given data, certificates and changes of the rules.
//
// It keeps clear facts only: ids, codes, counts and times. So nothing in it has to
// be taken back when somebody is erased, and the record of a request outlives the
// person's data as long as the law asks for it.
//
// It never opens a segment, and no decision is made on it: it says where to look.
package privacy
