package worker

// StrangerError says that nobody knows the token.
type StrangerError struct{}

func (*StrangerError) Error() string { return "no worker has this token" }

// Code is "unauthenticated".
func (*StrangerError) Code() string { return "unauthenticated" }

// Detail is a sentence for the operator.
func (*StrangerError) Detail() string { return "No worker has this token." }

// ForbiddenError says that the worker was not configured for what it asks.
type ForbiddenError struct{ what string }

func (e *ForbiddenError) Error() string { return "worker may not " + e.what }

// Code is "forbidden".
func (*ForbiddenError) Code() string { return "forbidden" }

// Detail is a sentence for the operator.
func (e *ForbiddenError) Detail() string { return "This worker may not " + e.what + "." }

// InvalidError says that a request is malformed.
type InvalidError struct{ what string }

func (e *InvalidError) Error() string { return e.what }

// Code is "invalid".
func (*InvalidError) Code() string { return "invalid" }

// Detail is a sentence for the operator.
func (e *InvalidError) Detail() string { return e.what }

// GoneError says that a claim is worth nothing any more: ask for the next task.
// The reasons are claim_used, claim_expired, claim_elsewhere, attempt_over,
// attempt_taken and content_gone.
type GoneError struct{ reason string }

func (e *GoneError) Error() string { return "claim is over: " + e.reason }

// Code is "conflict".
func (*GoneError) Code() string { return "conflict" }

// Reason is the code of why.
func (e *GoneError) Reason() string { return e.reason }

// Detail is a sentence for the operator.
func (*GoneError) Detail() string {
	return "The claim is worth nothing any more. Ask for the next task."
}
