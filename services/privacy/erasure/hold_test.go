package erasure_test

import (
	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
)

func holdOrder(id events.UUID, kids []events.KID) vault.HoldOrder {
	return vault.HoldOrder{ID: id, Authority: "court/1", KIDs: kids}
}
