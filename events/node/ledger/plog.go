package ledger

import (
	"errors"
	"fmt"
)

// pebbleLogger passes what Pebble says on. Its chatter about flushes and
// compactions is dropped; a fatal error fails the ledger instead of ending the
// process.
type pebbleLogger struct{ l *Ledger }

// Infof drops the message.
func (p *pebbleLogger) Infof(string, ...any) {}

// Errorf logs the message.
func (p *pebbleLogger) Errorf(format string, args ...any) {
	p.l.log.Warn("pebble", "message", fmt.Sprintf(format, args...))
}

// Fatalf fails the ledger. Unlike the real thing it returns.
func (p *pebbleLogger) Fatalf(format string, args ...any) {
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			p.l.fail(fmt.Errorf("pebble: %w", err))
			return
		}
	}
	p.l.fail(errors.New("pebble: " + fmt.Sprintf(format, args...)))
}

// background logs an error of a flush or compaction, which Pebble tries again.
func (p *pebbleLogger) background(err error) {
	p.l.log.Warn("background work of the ledger met an error", "error", err)
}
