package erasure

import (
	"context"
	"slices"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/events/vault"
	"github.com/westshore/hub/services/privacy/scan"
)

const (
	// mostStreams bounds how many streams are opened to make needles: the oldest
	// and the newest.
	mostStreams = 60
	shingles    = 3
)

// needles opens what will go, in memory, and makes blind needles of it: who the
// person is, and pieces of what was written (PRIVACY 4.9). Words that stand in
// other people's messages as well are dropped.
func (o *Office) needles(ctx context.Context, s Scope) (*scan.Needles, error) {
	n := scan.NewNeedles()
	for _, stream := range sample(s.destroy) {
		history, err := o.j.Load(ctx, stream, &officer)
		if err != nil {
			return nil, err
		}
		for _, r := range history {
			if slices.ContainsFunc(r.Meta.Segments, func(x events.SegmentRef) bool { return slices.Contains(s.Subjects, x.Subject) }) {
				gather(n, r.Event)
			}
		}
	}
	if o.cfg.Others == nil {
		return n, nil
	}
	_, err := n.Without(func(record func([]byte) error) error { return o.cfg.Others(ctx, s.Subjects, record) })
	return n, err
}

func sample(infos []vault.Info) []events.Stream {
	var streams []events.Stream
	for _, i := range infos {
		if !slices.Contains(streams, i.Stream) {
			streams = append(streams, i.Stream)
		}
	}
	if len(streams) > mostStreams {
		half := mostStreams / 2
		streams = append(streams[:half:half], streams[len(streams)-half:]...)
	}
	return streams
}

// gather takes from an opened event what the person is known by and what was
// written. Lists of other people, types and codes are left out.
func gather(n *scan.Needles, e events.Event) {
	switch e := e.(type) {
	case events.InquiryReceived:
		address(n, e.Contact.Value())
		l := e.Letter.Value()
		n.Add("subject", l.Subject)
		n.AddText("text", l.Text, shingles)
		n.AddText("html", l.HTML, shingles)
		n.Add("message-id", l.MessageID)
		for _, v := range l.Fields {
			n.AddText("field", v, shingles)
		}
		for _, a := range l.Attachments {
			n.Add("attachment", a.Name)
		}
	case events.ReplyWritten:
		n.AddText("reply", e.Answer.Value().Text, shingles)
	case events.NoteAdded:
		n.AddText("note", e.Note.Value().Text, shingles)
	case events.MessageQueued:
		address(n, e.Parcel.Value().To)
	case events.ContactRectified:
		address(n, e.Contact.Value())
	case events.MessageRedacted:
		n.AddText("rest", e.Rest.Value().Text, shingles)
	}
}

// The needles of who somebody is.
const (
	needleName    = "name"
	needleAddress = "address"
)

func address(n *scan.Needles, a events.Address) {
	n.Add(needleName, a.Name)
	n.Add(needleAddress, a.Address)
}
