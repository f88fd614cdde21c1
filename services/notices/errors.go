package notices

import "maps"

// InvalidError says which fields of a draft or template do not stand, and why.
type InvalidError struct{ fields map[string]string }

func (*InvalidError) Error() string { return "the draft does not stand" }

// Code is "invalid".
func (*InvalidError) Code() string { return "invalid" }

// Fields are sentences by field of the request's body.
func (e *InvalidError) Fields() map[string]string {
	out := map[string]string{}
	for field, s := range e.fields {
		out["body."+field] = s
	}
	return out
}

// Faults are sentences by field of the draft.
func (e *InvalidError) Faults() map[string]string { return maps.Clone(e.fields) }

// Refusal is a "no" with a stable reason and a sentence for the agent.
type Refusal struct{ reason, sentence string }

func (r *Refusal) Error() string { return r.sentence }

// Code is "conflict".
func (*Refusal) Code() string { return "conflict" }

// Reason is the code of the rule behind it.
func (r *Refusal) Reason() string { return r.reason }

// Detail is the sentence.
func (r *Refusal) Detail() string { return r.sentence }

// NotFoundError says that there is no such notice or template.
type NotFoundError struct{}

func (*NotFoundError) Error() string { return "no such notice or template" }

// Code is "not_found".
func (*NotFoundError) Code() string { return "not_found" }
