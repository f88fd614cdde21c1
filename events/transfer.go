package events

// TransferKey is the private half of the key that one export is sealed to.
type TransferKey struct {
	Private []byte `json:"private"` // X25519, 32 bytes
}

// TransferExpected begins a business transfer at its receiver: the key that the
// sender seals the export to. Its private half is destroyed when the import is done,
// so that the file opens nothing any more.
type TransferExpected struct {
	Transfer TransferID          `json:"transfer"`
	Keys     string              `json:"keys" pd:"none,public keys of this hub"`
	By       AgentID             `json:"by"`
	Owner    SubjectID           `json:"owner"` // stands for the transfer itself as the owner of its key
	Key      Sealed[TransferKey] `json:"-" seg:"C-COMM,R-LEGALX,Owner,legal"`
}

// TenantShredded says that the sender destroyed its keys of what was handed over;
// those under a hold wait for its end.
type TenantShredded struct {
	Transfer TransferID `json:"transfer"`
	Keys     int        `json:"keys" pd:"none,counts keys"`
	Deferred int        `json:"deferred,omitempty" pd:"none,counts keys kept by a hold or by the person"`
	Shared   int        `json:"shared,omitempty" pd:"none,counts keys of people who are still customers here"`
	Root     string     `json:"root" pd:"none,Merkle root over the names of the destroyed keys"`
	By       AgentID    `json:"by"`
}

func (TransferExpected) event() {}
func (TenantShredded) event()   {}
