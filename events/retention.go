package events

import "time"

// ClassCount is how many keys of a class something is about.
type ClassCount struct {
	Class Class `json:"class"`
	N     int64 `json:"n"`
}

// RetentionPreviewed says what a sweep would destroy: the keys that were due at
// the retention clock's time, named by a digest. Auto says that it is within the
// limits of the schedule; otherwise two persons approve it first.
type RetentionPreviewed struct {
	Sweep    UUID         `json:"sweep"`
	At       time.Time    `json:"at" pd:"none,the retention clock"`
	Digest   Hash         `json:"digest"`
	Keys     int64        `json:"keys" pd:"none,counts keys"`
	Live     int64        `json:"live" pd:"none,counts keys"`
	ByClass  []ClassCount `json:"by_class" pd:"none,counts keys"`
	Oldest   time.Time    `json:"oldest" pd:"none,when the first of them was due"`
	Schedule int          `json:"schedule" pd:"none,version of the schedule"`
	Auto     bool         `json:"auto,omitempty"`
	Parts    int          `json:"parts,omitempty" pd:"none,counts the parts of the list"`
}

// ListedKeys are keys of one person in one stream.
type ListedKeys struct {
	Stream  Stream    `json:"stream"`
	Subject SubjectID `json:"subject"`
	Class   Class     `json:"class"`
	KIDs    []KID     `json:"kids"`
}

// RetentionListed is a part of the list behind a preview. It stands in the
// sweep's own stream, so that a sweep that was cut short is taken up again with
// the keys that were approved, and no others.
type RetentionListed struct {
	Sweep UUID         `json:"sweep"`
	Part  int          `json:"part" pd:"none,counts parts from 1"`
	Keys  []ListedKeys `json:"keys" pd:"none,random names of keys, streams and people"`
}

// RetentionApproved is one person's word that a previewed sweep may go on.
type RetentionApproved struct {
	Sweep  UUID    `json:"sweep"`
	Digest Hash    `json:"digest"`
	Agent  AgentID `json:"agent"`
}

// RetentionDeclined is one person's word that it may not.
type RetentionDeclined struct {
	Sweep UUID    `json:"sweep"`
	Agent AgentID `json:"agent"`
}

// RetentionSwept says what a sweep did. Spared keys were approved and were no
// longer due when their turn came; deferred ones are kept by a hold.
type RetentionSwept struct {
	Sweep     UUID         `json:"sweep"`
	Digest    Hash         `json:"digest"`
	At        time.Time    `json:"at" pd:"none,the retention clock"`
	Destroyed int64        `json:"destroyed" pd:"none,counts keys"`
	Deferred  int64        `json:"deferred" pd:"none,counts keys"`
	Spared    int64        `json:"spared" pd:"none,counts keys"`
	ByClass   []ClassCount `json:"by_class" pd:"none,counts keys"`
	Streams   int64        `json:"streams" pd:"none,counts streams"`
	Archived  int64        `json:"archived" pd:"none,counts tickets"`
}

// RetentionClockSuspended says that nothing is destroyed because the clocks
// cannot be believed.
type RetentionClockSuspended struct {
	Clock  time.Time `json:"clock" pd:"none,the retention clock"`
	Wall   time.Time `json:"wall" pd:"none,the machine's clock"`
	Reason string    `json:"reason" pd:"none,one of four words"`
}

// RetentionClockResumed says that the clocks are believed again; Agent is empty
// when they came right by themselves.
type RetentionClockResumed struct {
	Clock time.Time `json:"clock" pd:"none,the retention clock"`
	Wall  time.Time `json:"wall" pd:"none,the machine's clock"`
	Agent AgentID   `json:"agent,omitempty"`
}

// RetentionClockMoved remembers how far the retention clock is. It stands in a
// checkpoint stream.
type RetentionClockMoved struct {
	Clock time.Time `json:"clock" pd:"none,the retention clock"`
}

// ArchivedMessage is what stays of one message of an archived ticket: that there
// was one.
type ArchivedMessage struct {
	ID          string    `json:"id"` // an InquiryID or a MessageID
	Kind        string    `json:"kind"`
	At          time.Time `json:"at"`
	Agent       AgentID   `json:"agent,omitempty"`
	Mailbox     MailboxID `json:"mailbox,omitempty"`
	UIDValidity uint32    `json:"uidvalidity,omitempty"`
	UID         uint32    `json:"uid,omitempty"`
}

// TicketArchived is the last event of a ticket all of whose text is gone: the
// clear facts that lists, numbers and statistics need, so that everything before
// it can be cut off the log and reclaimed (PRIVACY 4.10).
type TicketArchived struct {
	Ticket     TicketID          `json:"ticket"`
	Number     int64             `json:"number" pd:"none,counts tickets"`
	Channel    Channel           `json:"channel" pd:"none,one of two words"`
	Mailbox    MailboxID         `json:"mailbox,omitempty"`
	Form       FormID            `json:"form,omitempty"`
	Customer   SubjectID         `json:"customer"`
	Assignee   AgentID           `json:"assignee,omitempty"`
	Priority   Priority          `json:"priority" pd:"none,one of four words"`
	Tags       []string          `json:"tags,omitempty" pd:"none,labels chosen by agents from the desk's list"`
	OpenedAt   time.Time         `json:"opened_at" pd:"none,when the ticket was opened"`
	ResolvedAt time.Time         `json:"resolved_at" pd:"none,when the ticket was resolved"`
	Reopened   int               `json:"reopened,omitempty" pd:"none,counts reopenings"`
	Messages   []ArchivedMessage `json:"messages,omitempty" pd:"none,ids, kinds and times"`
}

func (PolicyVersionPublished) event()   {}
func (PolicyVersionEffective) event()   {}
func (RetentionScheduleChanged) event() {}
func (ProcessorRegistered) event()      {}
func (ProcessorSuspended) event()       {}
func (RetentionPreviewed) event()       {}
func (RetentionListed) event()          {}
func (RetentionApproved) event()        {}
func (RetentionDeclined) event()        {}
func (RetentionSwept) event()           {}
func (RetentionClockSuspended) event()  {}
func (RetentionClockResumed) event()    {}
func (RetentionClockMoved) event()      {}
func (TicketArchived) event()           {}
