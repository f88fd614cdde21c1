package events

// PolicyNoticed says that every live person was written to about a version of the
// privacy policy.
type PolicyNoticed struct {
	Policy  string `json:"policy" pd:"none,name of a published document"`
	Queued  int    `json:"queued" pd:"none,counts people"`
	Skipped int    `json:"skipped,omitempty" pd:"none,counts people without an address on file"`
}

func (PolicyNoticed) event() {}
