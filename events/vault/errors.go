package vault

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"

	"github.com/westshore/hub/events"
)

// The errors of the vault. Each stands for one thing an operator or a caller
// can do something about; errors.Is recognises them behind any operation.
var (
	// ErrClosed is any call after Close.
	ErrClosed = errors.New("the vault is closed")
	// ErrLocked means another process has the vault open.
	ErrLocked = errors.New("the vault is in use by another process")
	// ErrRootKeyMissing means the vault exists and its root key file does not.
	ErrRootKeyMissing = errors.New("the root key file is missing; put it back from its backup, the vault opens with no other")
	// ErrRootKeyOpen means others than the owner may use the root key file.
	ErrRootKeyOpen = errors.New("the root key file may be read or written by others; make it private: chmod 600")
	// ErrRootKeyMalformed means the root key file is not one.
	ErrRootKeyMalformed = errors.New("the root key file is damaged or is not a root key file")
	// ErrRootKeyWrong means the root key is not the one this vault was made with.
	ErrRootKeyWrong = errors.New("the root key does not belong to this vault; put back the key file that goes with it")
	// ErrRootKeySealed means that a key management service keeps the root key, and
	// that the vault was opened without one.
	ErrRootKeySealed = errors.New("the root key is kept by a key management service; name its URL in the configuration")
	// ErrCorrupt means the vault's file is damaged.
	ErrCorrupt = errors.New("the vault's file is damaged; restore vault.db from its backup")
	// ErrForeign means vault.db is a database of something else, or of a newer version.
	ErrForeign = errors.New("the file is not a vault of this version")
	// ErrDiskFull means there is no room left to write.
	ErrDiskFull = errors.New("the disk that holds the vault is full")
	// ErrFenced means that the person was erased after the unit of work began:
	// resolve the address again, in a new unit of work.
	ErrFenced = errors.New("the subject was fenced after the unit of work began")
	// ErrGated means that the vault was opened with a ledger and waits for Admit.
	ErrGated = errors.New("the vault waits until the privacy ledger is carried out")
	// ErrLedgerBroken means that the ledger is not the one that was written: it is
	// shorter, has a gap, or its chain of hashes breaks.
	ErrLedgerBroken = errors.New("the privacy ledger is not complete; restore the log from its backup, the vault opens with no other")
	// ErrUnsettled means that a new retention schedule is being worked in.
	ErrUnsettled = errors.New("the ends of keys are being computed anew; set the schedule again if that was cut short")
	// ErrResidue means that keys are destroyed and will never be given again,
	// but that the vault's files may still hold their wrapped bytes, because a
	// reader kept the write-ahead log from being cut. Destroying again retries.
	ErrResidue = errors.New("the write-ahead log could not be cut, wrapped bytes of destroyed keys may linger in it")
)

// KeyMissingError means that keys are neither there nor destroyed, or that
// their rows are damaged. It is an incident and never an erasure.
type KeyMissingError struct{ KIDs []events.KID }

// Error tells how many keys are missing and names the first.
func (e *KeyMissingError) Error() string {
	return fmt.Sprintf("%d keys are missing or damaged without a tombstone, the first is %s", len(e.KIDs), e.KIDs[0])
}

// Result codes of SQLite (sqlite.org/rescode.html), lower eight bits.
const (
	codeCorrupt = 11
	codeFull    = 13
	codeNotADB  = 26
)

// explain puts the sentence for the operator before an error of SQLite's.
func explain(op string, err error) error {
	if err == nil {
		return nil
	}
	var se *sqlite.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff {
		case codeCorrupt, codeNotADB:
			return fmt.Errorf("%s: %w (%w)", op, ErrCorrupt, err)
		case codeFull:
			return fmt.Errorf("%s: %w (%w)", op, ErrDiskFull, err)
		}
	}
	return fmt.Errorf("%s: %w", op, err)
}
