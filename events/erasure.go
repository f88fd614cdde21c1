package events

import "time"

// Needles are what a byte scan looks for after an erasure, blind: keyed hashes
// that only tell whether a text is still there (PRIVACY 4.9). The key stands
// among them and is destroyed with this segment when the certificate is issued.
type Needles struct {
	Doc []byte `json:"doc"`
}

// SegmentCount counts the segments of one category and class in a scope.
type SegmentCount struct {
	Category Category `json:"category"`
	Class    Class    `json:"class"`
	Live     int      `json:"live"`             // to be destroyed
	Held     int      `json:"held,omitempty"`   // kept by a hold until it is released
	Exempt   int      `json:"exempt,omitempty"` // kept for a ground of law
}

// ErasureScopeResolved says what an erasure will destroy: the person under all
// identifiers that are verified to be theirs, counted, with a digest that whoever
// approves it confirms.
type ErasureScopeResolved struct {
	Request   RequestID      `json:"request"`
	Order     UUID           `json:"order"`
	Requester SubjectID      `json:"requester"`
	Subjects  []SubjectID    `json:"subjects"`
	Counts    []SegmentCount `json:"counts" pd:"none,counts by category and class"`
	Streams   int            `json:"streams" pd:"none,counts streams"`
	Digest    Hash           `json:"digest"` // of the sorted names of the keys

	Needles Sealed[Needles] `json:"-" seg:"C-COMM,R-DSRC,Requester,dsr"`
}

// ErasureApproved says that an officer confirmed the scope with this digest.
type ErasureApproved struct {
	Request RequestID `json:"request"`
	Order   UUID      `json:"order"`
	Digest  Hash      `json:"digest"`
}

// SegmentsExempted says that segments stay for a ground of law (GDPR 17(3)).
type SegmentsExempted struct {
	Request  RequestID `json:"request"`
	Order    UUID      `json:"order"`
	Category Category  `json:"category" pd:"none,category of data"`
	Class    Class     `json:"class" pd:"none,deletion class"`
	Keys     int       `json:"keys" pd:"none,counts segments"`
	Ground   Ground    `json:"ground" pd:"none,ground of the DPV justifications vocabulary"`
	Article  string    `json:"article" pd:"none,the article that allows it"`
}

// SubjectFenced says that the addresses of these people resolve to somebody new
// from now on, and that nothing new can be written under the old ids.
type SubjectFenced struct {
	Request  RequestID   `json:"request"`
	Order    UUID        `json:"order"`
	Subjects []SubjectID `json:"subjects"`
}

// OutboxCleared says how many messages to these people were stopped, and how many
// could not be because they were going out.
type OutboxCleared struct {
	Request   RequestID `json:"request"`
	Order     UUID      `json:"order"`
	Cancelled int       `json:"cancelled" pd:"none,counts messages"`
	Left      int       `json:"left" pd:"none,counts messages"`
}

// StreamRun says how many keys, of a list that is sorted by stream, belong to one.
type StreamRun struct {
	Stream Stream `json:"stream"`
	Keys   int    `json:"keys"`
}

// DestroyIntended is a redo record on the ledger: it stands there before a key of
// the order is destroyed, and a vault that was restored repeats it. Hash covers
// Prev and every other field, so the ledger is a chain (PRIVACY 0.9).
type DestroyIntended struct {
	Seq     int64       `json:"seq" pd:"none,counts entries of the ledger from 1"`
	Prev    Hash        `json:"prev,omitempty"`
	Hash    Hash        `json:"hash"`
	Order   UUID        `json:"order"`
	Cause   string      `json:"cause" pd:"none,code of a cause"`
	Due     time.Time   `json:"due,omitzero" pd:"none,keys that are not due at this time are spared"`
	Chunk   int         `json:"chunk" pd:"none,counts chunks from 1"`
	Of      int         `json:"of" pd:"none,counts chunks"`
	KIDs    []KID       `json:"kids"`
	Streams []StreamRun `json:"streams,omitempty" pd:"none,names of streams, random by construction"`
}

// FenceIntended is a fence on the ledger.
type FenceIntended struct {
	Seq     int64     `json:"seq" pd:"none,counts entries of the ledger from 1"`
	Prev    Hash      `json:"prev,omitempty"`
	Hash    Hash      `json:"hash"`
	Order   UUID      `json:"order"`
	Subject SubjectID `json:"subject"`
}

// HoldIntended is a legal hold on the ledger; with Release, its end.
type HoldIntended struct {
	Seq     int64  `json:"seq" pd:"none,counts entries of the ledger from 1"`
	Prev    Hash   `json:"prev,omitempty"`
	Hash    Hash   `json:"hash"`
	Hold    UUID   `json:"hold"`
	Release bool   `json:"release,omitempty"`
	Order   string `json:"order,omitempty" pd:"none,the hold as the vault takes it: JSON of random ids and times"`
}

// RestrictIntended is a restriction of processing on the ledger, or its end.
type RestrictIntended struct {
	Seq     int64     `json:"seq" pd:"none,counts entries of the ledger from 1"`
	Prev    Hash      `json:"prev,omitempty"`
	Hash    Hash      `json:"hash"`
	Subject SubjectID `json:"subject"`
	On      bool      `json:"on,omitempty"`
	Why     string    `json:"why,omitempty" pd:"none,reference of a request"`
}

// KeysDestroyed says that the keys of an order are gone: how many, how many a hold
// keeps for now, the Merkle root over what was destroyed, and where the intent
// stands on the ledger.
type KeysDestroyed struct {
	Request    RequestID `json:"request"`
	Order      UUID      `json:"order"`
	Killed     int       `json:"killed" pd:"none,counts segments"`
	Deferred   int       `json:"deferred" pd:"none,counts segments"`
	Root       Hash      `json:"root"`
	Ledger     int64     `json:"ledger" pd:"none,counts entries of the ledger"`
	LedgerHash Hash      `json:"ledger_hash"`
}

// ErasureDeferred says that a hold keeps segments that the order covers. They go
// by themselves when the last hold is released.
type ErasureDeferred struct {
	Request RequestID   `json:"request"`
	Order   UUID        `json:"order"`
	KIDs    []KID       `json:"kids"`
	Streams []StreamRun `json:"streams,omitempty" pd:"none,names of streams, random by construction"`
	Ground  Ground      `json:"ground" pd:"none,ground of the DPV justifications vocabulary"`
	Article string      `json:"article" pd:"none,the article that allows it"`
}

// CachesDrained says that no memory holds a key of the order any more.
type CachesDrained struct {
	Request    RequestID `json:"request"`
	Order      UUID      `json:"order"`
	Generation uint64    `json:"generation" pd:"none,counts erasures of the vault"`
}

// StorePurged is the receipt of one store that keeps readable text.
type StorePurged struct {
	Request RequestID `json:"request"`
	Order   UUID      `json:"order"`
	Store   string    `json:"store" pd:"none,name of a store"`
	Rows    int       `json:"rows" pd:"none,counts rows"`
}

// SegmentsErased is the tombstone in a stream whose segments were destroyed.
type SegmentsErased struct {
	Order UUID      `json:"order"`
	Cause string    `json:"cause" pd:"none,code of a cause"`
	KIDs  []KID     `json:"kids"`
	At    time.Time `json:"at" pd:"none,when the keys were destroyed"`
}

// ResidueSealed says that the bytes of the destroyed keys, wherever they linger,
// open nothing any more: all that live were wrapped anew.
type ResidueSealed struct {
	Request RequestID `json:"request"`
	Order   UUID      `json:"order"`
	Keys    int       `json:"keys" pd:"none,counts live keys wrapped anew"`
}

// RecipientErasureNotified says that a recipient of the data was told to erase
// them too (GDPR article 19). Without an address of theirs an operator tells them.
type RecipientErasureNotified struct {
	Request   RequestID  `json:"request"`
	Order     UUID       `json:"order"`
	Recipient string     `json:"recipient" pd:"none,id of a processor in the register"`
	Method    string     `json:"method" pd:"none,mail or operator"`
	Outbound  OutboundID `json:"outbound,omitempty"`
}

// RecipientErasureAcked says that the recipient confirmed it.
type RecipientErasureAcked struct {
	Request   RequestID `json:"request"`
	Order     UUID      `json:"order"`
	Recipient string    `json:"recipient" pd:"none,id of a processor in the register"`
}

// RecipientErasureFailed says that the recipient was not told, and on what ground.
type RecipientErasureFailed struct {
	Request   RequestID `json:"request"`
	Order     UUID      `json:"order"`
	Recipient string    `json:"recipient" pd:"none,id of a processor in the register"`
	Ground    Ground    `json:"ground" pd:"none,ground of the DPV justifications vocabulary"`
}

// StoreLevel says what is proved of one store (PRIVACY 4.8): V1 logical, V2
// cryptographic, V3 residue, V4 backups, V5 physical, V6 recipients. Pending is
// the next level, By when or On what it is reached.
type StoreLevel struct {
	Store   string    `json:"id"`
	Level   string    `json:"level,omitempty"`
	Pending string    `json:"pending,omitempty"`
	By      time.Time `json:"by,omitzero"`
	On      string    `json:"on,omitempty"`
}

// ErasureVerified is what a verification found. A verification that found
// anything is recorded as well, and the certificate has to wait.
type ErasureVerified struct {
	Request RequestID    `json:"request"`
	Order   UUID         `json:"order"`
	Stores  []StoreLevel `json:"stores" pd:"none,names of stores and levels"`
	Files   int          `json:"files" pd:"none,counts files"`
	Bytes   int64        `json:"bytes" pd:"none,counts bytes"`
	Needles int          `json:"needles" pd:"none,counts needles"`
	Hits    int          `json:"hits" pd:"none,counts finds"`
	Unknown int          `json:"unknown" pd:"none,counts files no register knows"`
	Control string       `json:"control" pd:"none,found or missed"`
	Digest  Hash         `json:"digest"`
}

// ErasureRechecked asks for another verification, after something was put right.
type ErasureRechecked struct {
	Request RequestID `json:"request"`
	Order   UUID      `json:"order"`
}

// CertificateIssued holds the signed certificate. It names no person.
type CertificateIssued struct {
	Request     RequestID `json:"request"`
	Order       UUID      `json:"order"`
	Certificate string    `json:"certificate" pd:"none,signed JSON without personal data"`
	Digest      Hash      `json:"digest"`
}

// BackupHorizonReached says that no backup is left that could hold a key of the
// order; Certificate is the annex that says so.
type BackupHorizonReached struct {
	Request     RequestID `json:"request"`
	Order       UUID      `json:"order"`
	Certificate string    `json:"certificate" pd:"none,signed JSON without personal data"`
}

// DeferredErasureCompleted says that holds were released and the rest is gone.
type DeferredErasureCompleted struct {
	Request RequestID `json:"request"`
	Order   UUID      `json:"order"`
	Keys    int       `json:"keys" pd:"none,counts segments"`
}

// Redacted is what stays of a message of which a part was taken out.
type Redacted struct {
	Subject string `json:"subject,omitempty"`
	Text    string `json:"text"`
}

// MessageRedacted says that one message, or spans of it, were destroyed. The old
// text's key goes under Order; with spans, the rest stands here, sealed anew.
type MessageRedacted struct {
	Ticket   TicketID  `json:"ticket"`
	Message  MessageID `json:"message"` // or the inquiry's id
	Order    UUID      `json:"order"`
	Customer SubjectID `json:"customer"`
	Spans    int       `json:"spans,omitempty" pd:"none,counts spans; 0: the whole message"`
	Reason   string    `json:"reason" pd:"none,code: third_party, payment, health or other"`

	Rest Sealed[Redacted] `json:"-" seg:"C-COMM,R-COMM,Customer,support"`
}

// IdentityMerged says that two ids are one person's. Only a verified merge counts
// when one of them is erased.
type IdentityMerged struct {
	Customer SubjectID `json:"customer"`
	With     SubjectID `json:"with"`
	Verified bool      `json:"verified,omitempty"`
	Method   string    `json:"method" pd:"none,how it is known: code of a rule"`
}

// IdentityUnmerged takes a merge back.
type IdentityUnmerged struct {
	Customer SubjectID `json:"customer"`
	With     SubjectID `json:"with"`
}

// LedgerStream is the redo log of destruction: what a restored vault repeats
// before it opens anything (PRIVACY 0.9).
const LedgerStream Stream = "privacy-ledger"

func (ErasureScopeResolved) event()     {}
func (ErasureApproved) event()          {}
func (SegmentsExempted) event()         {}
func (SubjectFenced) event()            {}
func (OutboxCleared) event()            {}
func (DestroyIntended) event()          {}
func (FenceIntended) event()            {}
func (RestrictIntended) event()         {}
func (HoldIntended) event()             {}
func (KeysDestroyed) event()            {}
func (ErasureDeferred) event()          {}
func (CachesDrained) event()            {}
func (StorePurged) event()              {}
func (SegmentsErased) event()           {}
func (ResidueSealed) event()            {}
func (RecipientErasureNotified) event() {}
func (RecipientErasureAcked) event()    {}
func (RecipientErasureFailed) event()   {}
func (ErasureVerified) event()          {}
func (ErasureRechecked) event()         {}
func (CertificateIssued) event()        {}
func (BackupHorizonReached) event()     {}
func (DeferredErasureCompleted) event() {}
func (MessageRedacted) event()          {}
func (IdentityMerged) event()           {}
func (IdentityUnmerged) event()         {}
