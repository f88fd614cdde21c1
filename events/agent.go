package events

// Profile is how an agent is called.
type Profile struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// AgentAdded begins an agent's account. Credentials never enter an event.
type AgentAdded struct {
	Agent   AgentID         `json:"agent"`
	Role    Role            `json:"role" pd:"none,agent, admin or privacy"`
	Profile Sealed[Profile] `json:"-" seg:"C-ACCOUNT,R-ACCT,Agent,support"`
}

// CredentialChanged says that a password or token was set, not which.
type CredentialChanged struct {
	Agent AgentID `json:"agent"`
	Kind  string  `json:"kind" pd:"none,password or token"`
}

// AgentDeactivated ends an agent's access.
type AgentDeactivated struct {
	Agent AgentID `json:"agent"`
}
