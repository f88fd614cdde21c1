package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the advisory lock of the vault in dir; closing the file gives it
// back, and so does the end of the process, however it comes.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "vault.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock vault: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock vault %s: %w", dir, ErrLocked)
		}
		return nil, fmt.Errorf("lock vault: %w", err)
	}
	return f, nil
}
