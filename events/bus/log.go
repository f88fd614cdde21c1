package bus

import (
	"fmt"
	"log/slog"
)

// serverLog turns what the embedded server says into structured lines: notices
// become debug, since an operator never asked for a server.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(f string, a ...any) { l.log.Debug("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Debugf(f string, a ...any)  { l.log.Debug("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Tracef(f string, a ...any)  { l.log.Debug("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Warnf(f string, a ...any)   { l.log.Warn("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Errorf(f string, a ...any)  { l.log.Error("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Fatalf(f string, a ...any)  { l.log.Error("nats", "text", fmt.Sprintf(f, a...)) }
