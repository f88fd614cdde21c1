package events

// Roles and purposes of the matrix in PRIVACY 1.2 that no family of events has
// for itself.
const (
	RoleDispute Role = "dispute" // handles disputes
	RoleStats   Role = "stats"   // aggregates usage, and gives out nothing of one person

	PurposePersonalise Purpose = "personalise" // clause 2.3: with live consent only
)
