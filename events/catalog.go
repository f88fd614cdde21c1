package events

import (
	"fmt"
	"reflect"
	"strings"
)

// catalog is the one table of everything that can happen: wire name, schema
// version, struct, stream family, upcasters (from version 1 upwards). A name is
// never reused and a version never changed: testdata/golden holds one file for
// each, which is only ever added to.
var catalog = []entry{
	{name: "InquiryReceived", version: 1, of: InquiryReceived{}, family: "inquiry"},
	{name: "InquiryQuarantined", version: 1, of: InquiryQuarantined{}, family: "inquiry"},
	{name: "InquiryReleased", version: 1, of: InquiryReleased{}, family: "inquiry"},
	{name: "InquiryDiscarded", version: 1, of: InquiryDiscarded{}, family: "inquiry"},
	{name: "InquiryRouted", version: 1, of: InquiryRouted{}, family: "inquiry"},

	{name: "TicketOpened", version: 1, of: TicketOpened{}, family: "ticket"},
	{name: "MessageAttached", version: 1, of: MessageAttached{}, family: "ticket"},
	{name: "AcknowledgementWritten", version: 1, of: AcknowledgementWritten{}, family: "ticket"},
	{name: "ReplyWritten", version: 1, of: ReplyWritten{}, family: "ticket"},
	{name: "NoteAdded", version: 1, of: NoteAdded{}, family: "ticket"},
	{name: "TicketAssigned", version: 1, of: TicketAssigned{}, family: "ticket"},
	{name: "TicketUnassigned", version: 1, of: TicketUnassigned{}, family: "ticket"},
	{name: "PriorityChanged", version: 1, of: PriorityChanged{}, family: "ticket"},
	{name: "TagAdded", version: 1, of: TagAdded{}, family: "ticket"},
	{name: "TagRemoved", version: 1, of: TagRemoved{}, family: "ticket"},
	{name: "TicketResolved", version: 1, of: TicketResolved{}, family: "ticket"},
	{name: "TicketReopened", version: 1, of: TicketReopened{}, family: "ticket"},

	{name: "MessageDetached", version: 1, of: MessageDetached{}, family: "ticket"},
	{name: "InquiryRerouted", version: 1, of: InquiryRerouted{}, family: "inquiry"},
	{name: "MessageComplained", version: 1, of: MessageComplained{}, family: "outbound"},
	{name: "MailboxReconciled", version: 1, of: MailboxReconciled{}, family: "mailbox"},

	{name: "ThreadBound", version: 1, of: ThreadBound{}, family: "thread"},
	{name: "TicketNumberTaken", version: 1, of: TicketNumberTaken{}, family: "number"},
	{name: "HubRestored", version: 1, of: HubRestored{}, family: "restores"},

	{name: "CustomerIdentified", version: 1, of: CustomerIdentified{}, family: "customer"},
	{name: "TicketRequested", version: 1, of: TicketRequested{}, family: "customer"},

	{name: "MessageQueued", version: 1, of: MessageQueued{}, family: "outbound"},
	{name: "DeliveryAttempted", version: 1, of: DeliveryAttempted{}, family: "outbound"},
	{name: "DeliveryStarted", version: 1, of: DeliveryStarted{}, family: "outbound"},
	{name: "DeliveryAccepted", version: 1, of: DeliveryAccepted{}, family: "outbound"},
	{name: "DeliveryDeferred", version: 1, of: DeliveryDeferred{}, family: "outbound"},
	{name: "DeliveryFailed", version: 1, of: DeliveryFailed{}, family: "outbound"},
	{name: "DeliveryUnknown", version: 1, of: DeliveryUnknown{}, family: "outbound"},
	{name: "DeliveryResolved", version: 1, of: DeliveryResolved{}, family: "outbound"},
	{name: "DeliveryRetried", version: 1, of: DeliveryRetried{}, family: "outbound"},
	{name: "MessageBounced", version: 1, of: MessageBounced{}, family: "outbound"},
	{name: "MessageCancelled", version: 1, of: MessageCancelled{}, family: "outbound"},
	{name: "MessageSkipped", version: 1, of: MessageSkipped{}, family: "outbound"},
	{name: "DeliveryExplained", version: 1, of: DeliveryExplained{}, family: "outbound"},
	{name: "MessageHeld", version: 1, of: MessageHeld{}, family: "outbound"},
	{name: "MessageDelayed", version: 1, of: MessageDelayed{}, family: "outbound"},
	{name: "MessageRedirected", version: 1, of: MessageRedirected{}, family: "outbound"},
	{name: "ReplyRecalled", version: 1, of: ReplyRecalled{}, family: "ticket"},
	{name: "AddressSuppressed", version: 1, of: AddressSuppressed{}, family: "customer"},
	{name: "AddressUnsuppressed", version: 1, of: AddressUnsuppressed{}, family: "customer"},

	{name: "NoticeDrafted", version: 1, of: NoticeDrafted{}, family: "notice"},
	{name: "NoticeApproved", version: 1, of: NoticeApproved{}, family: "notice"},
	{name: "NoticeStarted", version: 1, of: NoticeStarted{}, family: "notice"},
	{name: "RecipientsListed", version: 1, of: RecipientsListed{}, family: "noticelist"},
	{name: "NoticeListed", version: 1, of: NoticeListed{}, family: "notice"},
	{name: "NoticePaused", version: 1, of: NoticePaused{}, family: "notice"},
	{name: "NoticeResumed", version: 1, of: NoticeResumed{}, family: "notice"},
	{name: "NoticeCancelled", version: 1, of: NoticeCancelled{}, family: "notice"},
	{name: "NoticeProgressed", version: 1, of: NoticeProgressed{}, family: "checkpoint"},
	{name: "NoticeFinished", version: 1, of: NoticeFinished{}, family: "notice"},
	{name: "TemplateWritten", version: 1, of: TemplateWritten{}, family: "template"},
	{name: "TemplateRetired", version: 1, of: TemplateRetired{}, family: "template"},

	{name: "MailboxAdvanced", version: 1, of: MailboxAdvanced{}, family: "checkpoint"},
	{name: "MailboxReset", version: 1, of: MailboxReset{}, family: "mailbox"},
	{name: "MailAdopted", version: 1, of: MailAdopted{}, family: "mailbox"},
	{name: "ReactorAdvanced", version: 1, of: ReactorAdvanced{}, family: "checkpoint"},

	{name: "RequestReceived", version: 1, of: RequestReceived{}, family: "dsr"},
	{name: "RequestAcknowledged", version: 1, of: RequestAcknowledged{}, family: "dsr"},
	{name: "VerificationAsked", version: 1, of: VerificationAsked{}, family: "dsr"},
	{name: "RequesterVerified", version: 1, of: RequesterVerified{}, family: "dsr"},
	{name: "RequesterDoubted", version: 1, of: RequesterDoubted{}, family: "dsr"},
	{name: "RequestClockResumed", version: 1, of: RequestClockResumed{}, family: "dsr"},
	{name: "RequestExtended", version: 1, of: RequestExtended{}, family: "dsr"},
	{name: "RequestReminded", version: 1, of: RequestReminded{}, family: "dsr"},
	{name: "RequestWithdrawn", version: 1, of: RequestWithdrawn{}, family: "dsr"},
	{name: "RequestRefused", version: 1, of: RequestRefused{}, family: "dsr"},
	{name: "RequestAnswered", version: 1, of: RequestAnswered{}, family: "dsr"},
	{name: "RequesterInformed", version: 1, of: RequesterInformed{}, family: "dsr"},
	{name: "RequestClosed", version: 1, of: RequestClosed{}, family: "dsr"},
	{name: "RequesterForgotten", version: 1, of: RequesterForgotten{}, family: "dsr"},
	{name: "PackSealed", version: 1, of: PackSealed{}, family: "dsr"},
	{name: "PackFetched", version: 1, of: PackFetched{}, family: "dsr"},
	{name: "NoticePresented", version: 1, of: NoticePresented{}, family: "customer"},
	{name: "NoticeAcknowledged", version: 1, of: NoticeAcknowledged{}, family: "customer"},
	{name: "ConsentRequested", version: 1, of: ConsentRequested{}, family: "customer"},
	{name: "ConsentGranted", version: 1, of: ConsentGranted{}, family: "customer"},
	{name: "ConsentWithdrawn", version: 1, of: ConsentWithdrawn{}, family: "customer"},
	{name: "ObjectionRaised", version: 1, of: ObjectionRaised{}, family: "customer"},
	{name: "ObjectionDecided", version: 1, of: ObjectionDecided{}, family: "customer"},
	{name: "ContactRectified", version: 1, of: ContactRectified{}, family: "customer"},
	{name: "ProcessingRestricted", version: 1, of: ProcessingRestricted{}, family: "customer"},
	{name: "RestrictionLifted", version: 1, of: RestrictionLifted{}, family: "customer"},
	{name: "LetterWritten", version: 1, of: LetterWritten{}, family: "letter"},
	{name: "LegalHoldProposed", version: 1, of: LegalHoldProposed{}, family: "hold"},
	{name: "LegalHoldPlaced", version: 1, of: LegalHoldPlaced{}, family: "hold"},
	{name: "LegalHoldExtended", version: 1, of: LegalHoldExtended{}, family: "hold"},
	{name: "LegalHoldReleased", version: 1, of: LegalHoldReleased{}, family: "hold"},
	{name: "LegalHoldDeclined", version: 1, of: LegalHoldDeclined{}, family: "hold"},
	{name: "LegalHoldReviewDue", version: 1, of: LegalHoldReviewDue{}, family: "hold"},
	{name: "LegalDemandReceived", version: 1, of: LegalDemandReceived{}, family: "demand"},
	{name: "LegalDemandReviewed", version: 1, of: LegalDemandReviewed{}, family: "demand"},
	{name: "LegalDisclosureApproved", version: 1, of: LegalDisclosureApproved{}, family: "demand"},
	{name: "LegalDisclosureSealed", version: 1, of: LegalDisclosureSealed{}, family: "demand"},
	{name: "LegalDisclosureDelivered", version: 1, of: LegalDisclosureDelivered{}, family: "demand"},
	{name: "SubjectNoticeDeferred", version: 1, of: SubjectNoticeDeferred{}, family: "demand"},
	{name: "SubjectNoticeSent", version: 1, of: SubjectNoticeSent{}, family: "demand"},
	{name: "DataDisclosed", version: 1, of: DataDisclosed{}, family: "recipient"},
	{name: "DisclosureRefused", version: 1, of: DisclosureRefused{}, family: "recipient"},
	{name: "BusinessTransferAnnounced", version: 1, of: BusinessTransferAnnounced{}, family: "transfer"},
	{name: "TransferNoticed", version: 1, of: TransferNoticed{}, family: "transfer"},
	{name: "TenantExportSealed", version: 1, of: TenantExportSealed{}, family: "transfer"},
	{name: "TransferCompleted", version: 1, of: TransferCompleted{}, family: "transfer"},
	{name: "TransferImported", version: 1, of: TransferImported{}, family: "transfer"},
	{name: "TransferExpected", version: 1, of: TransferExpected{}, family: "transfer"},
	{name: "TenantShredded", version: 1, of: TenantShredded{}, family: "transfer"},
	{name: "InvestigationOpened", version: 1, of: InvestigationOpened{}, family: "case"},
	{name: "CaseNoteAdded", version: 1, of: CaseNoteAdded{}, family: "case"},
	{name: "CaseAccessAsked", version: 1, of: CaseAccessAsked{}, family: "case"},
	{name: "CaseAccessGranted", version: 1, of: CaseAccessGranted{}, family: "case"},
	{name: "DataAccessed", version: 1, of: DataAccessed{}, family: "case"},
	{name: "InvestigationExtended", version: 1, of: InvestigationExtended{}, family: "case"},
	{name: "InvestigationClosed", version: 1, of: InvestigationClosed{}, family: "case"},

	{name: "AgentAdded", version: 1, of: AgentAdded{}, family: "agent"},
	{name: "CredentialChanged", version: 1, of: CredentialChanged{}, family: "agent"},
	{name: "AgentDeactivated", version: 1, of: AgentDeactivated{}, family: "agent"},

	{name: "PolicyVersionPublished", version: 1, of: PolicyVersionPublished{}, family: "registry"},
	{name: "PolicyVersionEffective", version: 1, of: PolicyVersionEffective{}, family: "registry"},
	{name: "PolicyNoticed", version: 1, of: PolicyNoticed{}, family: "registry"},
	{name: "RetentionScheduleChanged", version: 1, of: RetentionScheduleChanged{}, family: "registry"},
	{name: "ProcessorRegistered", version: 1, of: ProcessorRegistered{}, family: "registry"},
	{name: "ProcessorSuspended", version: 1, of: ProcessorSuspended{}, family: "registry"},
	{name: "RetentionPreviewed", version: 1, of: RetentionPreviewed{}, family: "sweeps"},
	{name: "RetentionListed", version: 1, of: RetentionListed{}, family: "sweep"},
	{name: "RetentionApproved", version: 1, of: RetentionApproved{}, family: "sweeps"},
	{name: "RetentionDeclined", version: 1, of: RetentionDeclined{}, family: "sweeps"},
	{name: "RetentionSwept", version: 1, of: RetentionSwept{}, family: "sweeps"},
	{name: "RetentionClockSuspended", version: 1, of: RetentionClockSuspended{}, family: "sweeps"},
	{name: "RetentionClockResumed", version: 1, of: RetentionClockResumed{}, family: "sweeps"},
	{name: "RetentionClockMoved", version: 1, of: RetentionClockMoved{}, family: "checkpoint"},
	{name: "TicketArchived", version: 1, of: TicketArchived{}, family: "ticket"},

	{name: "ErasureScopeResolved", version: 1, of: ErasureScopeResolved{}, family: "dsr"},
	{name: "ErasureApproved", version: 1, of: ErasureApproved{}, family: "dsr"},
	{name: "SegmentsExempted", version: 1, of: SegmentsExempted{}, family: "dsr"},
	{name: "SubjectFenced", version: 1, of: SubjectFenced{}, family: "dsr"},
	{name: "OutboxCleared", version: 1, of: OutboxCleared{}, family: "dsr"},
	{name: "DestroyIntended", version: 1, of: DestroyIntended{}, family: "privacy"},
	{name: "FenceIntended", version: 1, of: FenceIntended{}, family: "privacy"},
	{name: "HoldIntended", version: 1, of: HoldIntended{}, family: "privacy"},
	{name: "RestrictIntended", version: 1, of: RestrictIntended{}, family: "privacy"},
	{name: "KeysDestroyed", version: 1, of: KeysDestroyed{}, family: "dsr"},
	{name: "ErasureDeferred", version: 1, of: ErasureDeferred{}, family: "dsr"},
	{name: "CachesDrained", version: 1, of: CachesDrained{}, family: "dsr"},
	{name: "StorePurged", version: 1, of: StorePurged{}, family: "dsr"},
	{name: "SegmentsErased", version: 1, of: SegmentsErased{}, family: "any"},
	{name: "ResidueSealed", version: 1, of: ResidueSealed{}, family: "dsr"},
	{name: "RecipientErasureNotified", version: 1, of: RecipientErasureNotified{}, family: "dsr"},
	{name: "RecipientErasureAcked", version: 1, of: RecipientErasureAcked{}, family: "dsr"},
	{name: "RecipientErasureFailed", version: 1, of: RecipientErasureFailed{}, family: "dsr"},
	{name: "RecipientTold", version: 1, of: RecipientTold{}, family: "dsr"},
	{name: "RecipientConfirmed", version: 1, of: RecipientConfirmed{}, family: "dsr"},
	{name: "ErasureVerified", version: 1, of: ErasureVerified{}, family: "dsr"},
	{name: "ErasureRechecked", version: 1, of: ErasureRechecked{}, family: "dsr"},
	{name: "CertificateIssued", version: 1, of: CertificateIssued{}, family: "dsr"},
	{name: "BackupHorizonReached", version: 1, of: BackupHorizonReached{}, family: "dsr"},
	{name: "DeferredErasureCompleted", version: 1, of: DeferredErasureCompleted{}, family: "dsr"},
	{name: "MessageRedacted", version: 1, of: MessageRedacted{}, family: "ticket"},
	{name: "IdentityMerged", version: 1, of: IdentityMerged{}, family: "customer"},
	{name: "IdentityUnmerged", version: 1, of: IdentityUnmerged{}, family: "customer"},
}

// entry is one row of the catalogue and what its struct's tags say.
type entry struct {
	name    string
	version int
	of      Event
	family  string
	upcasts []Upcast

	typ   reflect.Type
	segs  []segField
	blobs []blobField
}

type segField struct {
	index    int
	name     string
	category Category
	class    Class
	subject  int
	purposes []Purpose
}

type blobField struct {
	index int
	name  string
	owner string
}

var byName, byType = index(catalog)

// index reads the tags of every struct in the table once. A malformed tag is a
// mistake in the program, found by the first test that runs.
func index(table []entry) (map[string]*entry, map[reflect.Type]*entry) {
	names, types := map[string]*entry{}, map[reflect.Type]*entry{}
	for i := range table {
		ent := &table[i]
		ent.typ = reflect.TypeOf(ent.of)
		if len(ent.upcasts) != ent.version-1 {
			panic(fmt.Sprintf("catalog: %s is version %d with %d upcasters", ent.name, ent.version, len(ent.upcasts)))
		}
		for j := range ent.typ.NumField() {
			ent.addField(j, ent.typ.Field(j))
		}
		if names[ent.name] != nil || types[ent.typ] != nil {
			panic("catalog: " + ent.name + " twice")
		}
		names[ent.name], types[ent.typ] = ent, ent
	}
	return names, types
}

func (ent *entry) addField(i int, f reflect.StructField) {
	name := f.Tag.Get("json")
	if tag, ok := f.Tag.Lookup("seg"); ok {
		if name != "-" {
			panic(fmt.Sprintf("catalog: segment %s.%s wants json:\"-\", or it would stand among the facts", ent.name, f.Name))
		}
		parts := strings.Split(tag, ",")
		subject, found := ent.typ.FieldByName(parts[2])
		if !found {
			panic(fmt.Sprintf("catalog: %s.%s names the subject %s, which is not a field", ent.name, f.Name, parts[2]))
		}
		s := segField{index: i, name: f.Name, category: Category(parts[0]), class: Class(parts[1]), subject: subject.Index[0]}
		for _, p := range parts[3:] {
			s.purposes = append(s.purposes, Purpose(p))
		}
		ent.segs = append(ent.segs, s)
		return
	}
	if owner, ok := f.Tag.Lookup("blob"); ok {
		ent.blobs = append(ent.blobs, blobField{i, f.Name, owner})
	}
	if name == "" || name == "-" {
		panic(fmt.Sprintf("catalog: %s.%s has no json name", ent.name, f.Name))
	}
}

func (ent *entry) segField(name string) (segField, bool) {
	for _, f := range ent.segs {
		if f.name == name {
			return f, true
		}
	}
	return segField{}, false
}

func entryOf(e Event) (*entry, error) {
	ent, ok := byType[reflect.TypeOf(e)]
	if !ok {
		return nil, fmt.Errorf("event type %T is not in the catalogue", e)
	}
	return ent, nil
}

// WireType returns the name of an event on the wire, with TypePrefix; empty for
// a type that is not in the catalogue.
func WireType(e Event) string {
	if ent, err := entryOf(e); err == nil {
		return TypePrefix + ent.name
	}
	return ""
}

// Kind describes one row of the catalogue for tools: schema generators, linters
// and the register of processing.
type Kind struct {
	Name    string
	Version int
	Family  string
	Zero    Event
	// Segments are its sealed fields, in order.
	Segments []SegmentKind
}

// SegmentKind describes a sealed field of an event: whose (the field that names
// the person), what kind, how long, what for.
type SegmentKind struct {
	Field    string
	Subject  string
	Category Category
	Class    Class
	Purposes []Purpose
}

// Catalogue lists every event there is.
func Catalogue() []Kind {
	out := make([]Kind, len(catalog))
	for i, ent := range catalog {
		out[i] = Kind{Name: ent.name, Version: ent.version, Family: ent.family, Zero: ent.of}
		for _, f := range ent.segs {
			out[i].Segments = append(out[i].Segments, SegmentKind{
				Field: f.name, Subject: ent.typ.Field(f.subject).Name, Category: f.category, Class: f.class, Purposes: f.purposes,
			})
		}
	}
	return out
}

func (InquiryReceived) event()        {}
func (MessageDetached) event()        {}
func (InquiryRerouted) event()        {}
func (MessageComplained) event()      {}
func (MailboxReconciled) event()      {}
func (InquiryQuarantined) event()     {}
func (InquiryReleased) event()        {}
func (InquiryDiscarded) event()       {}
func (InquiryRouted) event()          {}
func (TicketOpened) event()           {}
func (MessageAttached) event()        {}
func (AcknowledgementWritten) event() {}
func (ReplyWritten) event()           {}
func (NoteAdded) event()              {}
func (TicketAssigned) event()         {}
func (TicketUnassigned) event()       {}
func (PriorityChanged) event()        {}
func (TagAdded) event()               {}
func (TagRemoved) event()             {}
func (TicketResolved) event()         {}
func (TicketReopened) event()         {}
func (ThreadBound) event()            {}
func (TicketNumberTaken) event()      {}
func (CustomerIdentified) event()     {}
func (TicketRequested) event()        {}
func (MessageQueued) event()          {}
func (DeliveryAttempted) event()      {}
func (DeliveryStarted) event()        {}
func (DeliveryAccepted) event()       {}
func (DeliveryDeferred) event()       {}
func (DeliveryFailed) event()         {}
func (DeliveryUnknown) event()        {}
func (DeliveryResolved) event()       {}
func (DeliveryRetried) event()        {}
func (MessageBounced) event()         {}
func (MessageCancelled) event()       {}
func (MailboxAdvanced) event()        {}
func (MailboxReset) event()           {}
func (MailAdopted) event()            {}
func (ReactorAdvanced) event()        {}
func (AgentAdded) event()             {}
func (CredentialChanged) event()      {}
func (AgentDeactivated) event()       {}
