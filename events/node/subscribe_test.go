package node_test

import (
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

func TestSmoke(t *testing.T) {
	n := start(t)
	c := dial(t, n)
	s := streamName()
	res := put(t, c, s, esdb.NoStream{}, eventsN("a", 3)...)
	t.Log(res.NextExpectedVersion, res.CommitPosition)
	evs, err := readStream(t, c, s, esdb.ReadStreamOptions{From: esdb.Start{}}, 10)
	t.Log(revisions(evs), err)
	evs, err = readAll(t, c, esdb.ReadAllOptions{From: esdb.Start{}}, 10)
	t.Log(revisions(evs), err)
	raw, err := c.SubscribeToAll(t.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	sub := listen(t, raw, err)
	for range 3 {
		t.Log(sub.event().EventType)
	}
	sub.caughtUp()
	put(t, c, s, esdb.Revision(2), event("live"))
	t.Log(sub.event().EventType)
}
