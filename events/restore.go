package events

import "time"

// RestoresStream holds when the house was filled from a backup.
const RestoresStream Stream = "restores"

// HubRestored says that the house goes on from a backup. What stands in the log up
// to Head may have gone on elsewhere, in the house that was lost: what waited there
// may have been sent, and numbers up to Number may have been given out. Mail that
// arrived before this event was written may have been acknowledged.
type HubRestored struct {
	Made     time.Time `json:"made" pd:"none,when the backup was made"`
	Restored time.Time `json:"restored" pd:"none,when it was copied back"`
	Head     Position  `json:"head"`
	Number   int64     `json:"number" pd:"none,counts tickets"`
}

func (HubRestored) event() {}
