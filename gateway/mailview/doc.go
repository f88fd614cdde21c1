// Package mailview turns the HTML of a received mail into a document that is
// safe to show to an agent inside a sandboxed iframe.
//
// It promises, for any input:
//
//   - the document holds no script, handler, form, frame, plug-in, style sheet,
//     vector graphic, id, class or name of the mail, and no URL that loads
//     something: remote images become a neutral placeholder and are counted;
//   - links go to http, https, mailto or tel only, open in a new tab without
//     opener or referrer, and say where they go when their text names another
//     host;
//   - it takes time linear in the input, never panics, and falls back to escaped
//     text for documents nested too deep.
//
// Three walls stand behind each other: the allow-list here (bluemonday, then a
// second pass of our own over its output), the Content-Security-Policy CSP that
// the caller must send with the document, and the sandbox of the iframe. The
// policy is applied when a mail is shown, never when it is stored, so a fix
// covers old mail; PolicyVersion names it.
//
// It never fetches anything and keeps nothing.
package mailview
