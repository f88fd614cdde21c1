package projectiontest

import (
	"syscall"
	"testing"
	"time"
)

// CPU is the processor time this process has used. On a machine that others use
// too it tells more than the clock.
func CPU(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
