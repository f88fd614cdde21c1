package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is every error the API answers (RFC 9457). Code is stable; Title and
// Detail are for people.
type Problem struct {
	Type      string       `json:"type" doc:"about:blank" example:"about:blank"`
	Title     string       `json:"title" example:"Not Found"`
	Status    int          `json:"status" example:"404"`
	Detail    string       `json:"detail,omitempty" doc:"One sentence for a person"`
	Code      string       `json:"code" enum:"unauthenticated,forbidden,not_found,stale,conflict,gone,invalid,rate_limited,too_large,unavailable,unsupported,internal"`
	RequestID string       `json:"request_id,omitempty"`
	Reason    string       `json:"reason,omitempty" doc:"Code of the rule behind a conflict"`
	Errors    []FieldError `json:"errors,omitempty" doc:"What to correct"`
	Revision  *int64       `json:"revision,omitempty" doc:"With stale: the ticket's revision now"`
	New       []Message    `json:"new,omitempty" doc:"With stale: the messages that came since"`

	RetryAfter int `json:"-"` // seconds, with rate_limited and unavailable
}

// FieldError is one part of a request that does not stand.
type FieldError struct {
	Location string `json:"location,omitempty" doc:"Such as body.text or query.limit"`
	Message  string `json:"message"`
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is what Huma asks for.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is what Huma asks for.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// NewProblem makes a problem of a status, with the code that belongs to it.
func NewProblem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: codeOf(status), Detail: detail}
}

// codeOf is for errors that begin as a status: those of the router and of Huma's
// validation. Errors of ours begin as a code.
func codeOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "unauthenticated"
	case http.StatusForbidden:
		return "forbidden"
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return "not_found"
	case http.StatusPreconditionFailed:
		return "stale"
	case http.StatusConflict:
		return "conflict"
	case http.StatusTooManyRequests:
		return "rate_limited"
	case http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge, http.StatusRequestURITooLong:
		return "too_large"
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return "unsupported"
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout:
		return "unavailable"
	}
	if status >= 500 {
		return "internal"
	}
	return "invalid"
}

// humaError is what Huma calls for its own errors: validation above all. Values
// are not echoed, they may be passwords.
func humaError(status int, msg string, errs ...error) huma.StatusError {
	p := NewProblem(status, sentence(msg))
	if status >= 500 {
		p.Detail = ""
		return p
	}
	for _, err := range errs {
		if err == nil {
			continue
		}
		fe := FieldError{Message: err.Error()}
		if d, ok := err.(huma.ErrorDetailer); ok {
			fe = FieldError{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message}
		}
		p.Errors = append(p.Errors, fe)
	}
	return p
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
