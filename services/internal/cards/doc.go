// Package cards takes numbers of payment cards out of what people send.
//
// A card number is 13 to 19 digits in groups as cards print them, of a range that
// card schemes use, whose last digit is the check digit of ISO/IEC 7812-1 (Luhn).
// All but its last four digits become X, so the text keeps its length and people
// still see which card is meant. What is never stored needs no erasure (policy
// clause 1.3, class R-SPECIAL; PCI DSS 3.3).
//
// It promises that masking again changes nothing, that bytes outside of numbers
// stay as they are, and that time grows with length. It never keeps or logs a
// number.
//
// It does not look into files or pictures, nor at numbers that are spelled out.
package cards
