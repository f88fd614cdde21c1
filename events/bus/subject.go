package bus

import "github.com/westshore/hub/events"

// Stream is the name of a JetStream stream.
type Stream string

// The queues of the house: a message is gone once acked. MARKS, beside them, is none.
const (
	Inquiries  Stream = "INQUIRIES"
	Outbound   Stream = "OUTBOUND"
	Deliveries Stream = "DELIVERIES"
	DeadLetter Stream = "DEADLETTER"
)

// Subject is a NATS subject. It is only made by the functions below.
type Subject string

// InquiryEmail carries inquiries taken from one mailbox.
func InquiryEmail(m events.MailboxID) Subject { return Subject("hub.inquiry.email." + string(m)) }

// InquiryForm carries inquiries sent through one form.
func InquiryForm(f events.FormID) Subject { return Subject("hub.inquiry.form." + string(f)) }

// OutboundOn carries messages for the workers of one channel.
func OutboundOn(c events.Channel) Subject { return Subject("hub.outbound." + string(c)) }

// DeliveryOn carries the results of the workers of one channel.
func DeliveryOn(c events.Channel) Subject { return Subject("hub.delivery." + string(c)) }

func dead(s Stream) Subject { return Subject("hub.dead." + string(s)) }
