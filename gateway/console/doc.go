// Package console holds the agents' console: a single-page application, built from app/ with Node and embedded
// in the binary as finished files.
//
// It promises that the module builds on a clean clone without Node: dist/ then holds only its .gitignore, Built
// reports false, and Index is a page that says how to build the console. It promises that whatever Lookup returns
// may be cached as its CacheControl says: names under assets/ carry a hash of their content and never change.
//
// It knows nothing of HTTP beyond what a static file needs (type, encoding, entity tag, caching), nothing of the
// rest of the house, and it never reads a file at run time.
package console
