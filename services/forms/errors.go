package forms

import (
	"fmt"
	"time"
)

// Problem is one thing to correct, in a sentence for the visitor.
type Problem struct {
	Field    string // name of the field, empty for the form as a whole
	Sentence string
}

// InvalidError lists everything there is to correct.
type InvalidError struct{ Problems []Problem }

func (e *InvalidError) Error() string {
	return fmt.Sprintf("submission refused: %d things to correct", len(e.Problems))
}

// Code names the error for the HTTP API.
func (e *InvalidError) Code() string { return "invalid" }

// Fields lists the sentences by field, for programs; the empty name stands for
// the form as a whole.
func (e *InvalidError) Fields() map[string]string {
	m := make(map[string]string, len(e.Problems))
	for _, p := range e.Problems {
		m[p.Field] = p.Sentence
	}
	return m
}

// LimitError says that too many came from one place.
type LimitError struct{ After time.Duration }

func (e *LimitError) Error() string { return "submission refused: too many from one place" }

// Code names the error for the HTTP API.
func (e *LimitError) Code() string { return "rate_limited" }

// RetryAfter is when it may be tried again.
func (e *LimitError) RetryAfter() time.Duration { return e.After }

// SizeError says that a request is larger than the form takes.
type SizeError struct{ Sentence string }

func (e *SizeError) Error() string { return "submission refused: too large" }

// Code names the error for the HTTP API.
func (e *SizeError) Code() string { return "too_large" }

// Detail is the sentence for the visitor.
func (e *SizeError) Detail() string { return e.Sentence }

// UnknownError says that there is no such form.
type UnknownError struct{}

func (*UnknownError) Error() string { return "no such form" }

// Code names the error for the HTTP API.
func (*UnknownError) Code() string { return "not_found" }

// UnavailableError says that the submission could not be kept now, through no
// fault of the visitor.
type UnavailableError struct{ Err error }

func (e *UnavailableError) Error() string { return "keep submission: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Code names the error for the HTTP API.
func (e *UnavailableError) Code() string { return "unavailable" }
