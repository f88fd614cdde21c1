package ledger

import (
	"errors"
	"fmt"
)

// The reasons for which a ledger can't be opened or used. Each is wrapped with
// the operation and, where there is one, the cause; test with errors.Is.
var (
	// ErrLocked: another process, or this one, has the folder open.
	ErrLocked = errors.New("the folder is in use by another node")
	// ErrForeign: the folder holds something that is not a ledger.
	ErrForeign = errors.New("the folder holds files that are not an event ledger; give the node a folder of its own")
	// ErrCorrupt: bytes on disk are not what was written. Restore a backup.
	ErrCorrupt = errors.New("the ledger is damaged; restore the latest backup")
	// ErrNewer: a later version of the product wrote the folder.
	ErrNewer = errors.New("the ledger was written by a newer version of the product; run that version")
	// ErrDiskFull: less free space than the reserve is left. Appends are
	// refused until there is room again; reads go on.
	ErrDiskFull = errors.New("the disk is full: free some space, appends then go on by themselves")
	// ErrFailed: the disk refused a write. The outcome of the append that met
	// the error is unknown; everything after it is refused until a restart.
	ErrFailed = errors.New("the ledger stopped after a disk error; restart the node")
	// ErrClosed: the ledger was closed, or is closing.
	ErrClosed = errors.New("the ledger is closed")
	// ErrDenied: the stream can't be written, deleted or read in this way by
	// anybody ($all, and deleting a metadata stream).
	ErrDenied = errors.New("access denied")
	// ErrInvalid: the request makes no sense (empty name, too long a name).
	ErrInvalid = errors.New("invalid request")
)

// WrongRevisionError says that a stream is not where the caller expected it.
type WrongRevisionError struct {
	Stream   string
	Expected Expected
	Current  int64 // last revision, -1 when the stream has no events
}

// Error names the two revisions, not the stream.
func (e *WrongRevisionError) Error() string {
	return fmt.Sprintf("wrong revision: want %d, have %d", e.Expected, e.Current)
}

// DeletedError says that a stream is tombstoned, or soft-deleted where that
// matters (Exists was expected).
type DeletedError struct{ Stream string }

// Error does not name the stream.
func (e *DeletedError) Error() string { return "the stream is deleted" }
