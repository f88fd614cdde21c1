// Package public serves what needs no account: the hosted forms under /f/.
//
// It promises that a form works without JavaScript, with a keyboard, a screen
// reader, in the light and in the dark; that an error says what to do and keeps
// what was written; and that a visitor is thanked only for what is durable.
//
// Its limits and headers are not those of the console: a form may be framed by
// the origins its configuration names, its pages run no script at all, and its
// requests carry no cookie. It never shows anything about a ticket and never
// sends a visitor's text anywhere but to services/forms.
package public
