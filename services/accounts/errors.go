package accounts

import "time"

// WrongError says that address and password do not belong together, or that
// there is no such address: nobody can tell which.
type WrongError struct{}

func (*WrongError) Error() string { return "log in: wrong address or password" }

// Code names the error for the HTTP API.
func (*WrongError) Code() string { return "unauthenticated" }

// Detail is the sentence for the person who tried.
func (*WrongError) Detail() string { return "Wrong address or password." }

// ExpiredError says that a session or token is not, or no longer, believed.
type ExpiredError struct{}

func (*ExpiredError) Error() string { return "session or token is unknown or has ended" }

// Code names the error for the HTTP API.
func (*ExpiredError) Code() string { return "unauthenticated" }

// LimitError says that there were too many tries.
type LimitError struct{ After time.Duration }

func (*LimitError) Error() string { return "log in: too many tries" }

// Code names the error for the HTTP API.
func (*LimitError) Code() string { return "rate_limited" }

// Detail is the sentence for the person who tried.
func (*LimitError) Detail() string { return "Too many tries. Please wait a moment." }

// RetryAfter is when it may be tried again.
func (e *LimitError) RetryAfter() time.Duration { return e.After }

// RefusedError is a business "no", with a sentence for the administrator.
type RefusedError struct{ Sentence string }

func (e *RefusedError) Error() string { return "account refused: " + e.Sentence }

// Code names the error for the HTTP API.
func (*RefusedError) Code() string { return "conflict" }

// Detail is the sentence for the administrator.
func (e *RefusedError) Detail() string { return e.Sentence }

// UnknownError says that there is no such agent or token.
type UnknownError struct{}

func (*UnknownError) Error() string { return "no such agent or token" }

// Code names the error for the HTTP API.
func (*UnknownError) Code() string { return "not_found" }
