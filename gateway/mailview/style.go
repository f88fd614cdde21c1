package mailview

import (
	"regexp"
	"strings"
)

const (
	maxStyle        = 4 << 10 // bytes of one style attribute
	maxDeclarations = 60
)

// styleText keeps the declarations of a style attribute whose property is on the
// list and whose value passes its check (I43). No value can hold a URL, an
// escape, a comment or a function other than a colour; no property can take an
// element out of its place.
func styleText(s string) string {
	if len(s) > maxStyle || strings.ContainsAny(s, "\\@<>{}") || strings.Contains(s, "/*") {
		return ""
	}
	var out []string
	for _, d := range strings.SplitN(s, ";", maxDeclarations+1) {
		name, value, ok := strings.Cut(d, ":")
		if !ok || len(out) >= maxDeclarations {
			continue
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		value = strings.TrimSpace(importantRE.ReplaceAllString(value, ""))
		if check, known := properties[name]; known && len(value) <= 200 && check.MatchString(value) && !hugeRE.MatchString(value) {
			out = append(out, name+":"+value)
		}
	}
	return strings.Join(out, ";")
}

const (
	reColor  = `(?:#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,25}|(?:rgb|rgba|hsl|hsla)\([0-9.,%/ a-z-]{1,50}\))`
	reLength = `(?:-?[0-9.]{1,7}(?:px|pt|em|rem|ex|ch|%|cm|mm|in|pc|vw)?|auto|normal|inherit|initial|0)`
	reSize   = `(?:[0-9.]{1,7}(?:px|pt|em|rem|ex|ch|%|cm|mm|in|pc|vw)?|auto|none|normal|inherit|initial)`
	reBorder = `(?:none|hidden|dotted|dashed|solid|double|groove|ridge|inset|outset|thin|medium|thick|inherit|initial)`
)

var (
	importantRE = regexp.MustCompile(`(?i)\s*!\s*important\s*$`)
	hugeRE      = regexp.MustCompile(`[0-9]{5}`)

	styleColor    = regexp.MustCompile(`^` + reColor + `$`)
	styleLength   = regexp.MustCompile(`^` + reLength + `$`)
	styleSize     = regexp.MustCompile(`^` + reSize + `$`)
	styleSizes    = regexp.MustCompile(`^` + reSize + `(?:\s+` + reSize + `){0,3}$`)
	styleLengths  = regexp.MustCompile(`^` + reLength + `(?:\s+` + reLength + `){0,3}$`)
	styleBorder   = regexp.MustCompile(`^(?:` + reSize + `|` + reBorder + `|` + reColor + `)(?:\s+(?:` + reSize + `|` + reBorder + `|` + reColor + `)){0,3}$`)
	styleFont     = regexp.MustCompile(`^[\p{L}\p{N} ,.'"%/+-]{1,200}$`)
	styleKeyword  = regexp.MustCompile(`^[a-zA-Z-]{1,30}(?:\s+[a-zA-Z-]{1,30}){0,3}$`)
	styleWeight   = regexp.MustCompile(`^(?:[a-z]{4,8}|[1-9]00)$`)
	styleDisplay  = regexp.MustCompile(`^(?i:block|inline|inline-block|none|table|inline-table|table-row|table-cell|table-row-group|table-header-group|table-footer-group|list-item)$`)
	styleOverflow = regexp.MustCompile(`^(?i:hidden|visible|auto)$`)
)

// properties is the allow-list. None of them takes url(), none positions an
// element (no position, float is within the flow, no z-index, no transform).
var properties = map[string]*regexp.Regexp{
	"color": styleColor, "background-color": styleColor, "background": styleColor,
	"font": styleFont, "font-family": styleFont, "font-size": styleFont, "font-style": styleKeyword, "font-weight": styleWeight, "font-variant": styleKeyword,
	"text-align": styleKeyword, "text-decoration": styleKeyword, "text-transform": styleKeyword, "text-indent": styleLength,
	"line-height": styleSize, "letter-spacing": styleLength, "word-spacing": styleLength, "vertical-align": styleKeyword, "white-space": styleKeyword,
	"word-break": styleKeyword, "word-wrap": styleKeyword, "overflow-wrap": styleKeyword, "direction": styleKeyword, "unicode-bidi": styleKeyword,
	"width": styleSize, "max-width": styleSize, "min-width": styleSize, "height": styleSize, "max-height": styleSize, "min-height": styleSize,
	"padding": styleSizes, "padding-top": styleSize, "padding-right": styleSize, "padding-bottom": styleSize, "padding-left": styleSize,
	"margin": styleLengths, "margin-top": styleLength, "margin-right": styleLength, "margin-bottom": styleLength, "margin-left": styleLength,
	"border": styleBorder, "border-top": styleBorder, "border-right": styleBorder, "border-bottom": styleBorder, "border-left": styleBorder,
	"border-width": styleBorder, "border-style": styleBorder, "border-color": styleBorder, "border-radius": styleSizes,
	"border-top-width": styleBorder, "border-right-width": styleBorder, "border-bottom-width": styleBorder, "border-left-width": styleBorder,
	"border-top-style": styleBorder, "border-right-style": styleBorder, "border-bottom-style": styleBorder, "border-left-style": styleBorder,
	"border-top-color": styleColor, "border-right-color": styleColor, "border-bottom-color": styleColor, "border-left-color": styleColor,
	"border-collapse": styleKeyword, "border-spacing": styleSizes, "table-layout": styleKeyword, "caption-side": styleKeyword, "empty-cells": styleKeyword,
	"list-style-type": styleKeyword, "list-style-position": styleKeyword, "display": styleDisplay, "overflow": styleOverflow, "float": styleKeyword, "clear": styleKeyword,
}
