package mailbox

import (
	"context"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"
)

// searchTime bounds one search, from dialling to logging out.
const searchTime = 30 * time.Second

// Holds reports whether the folder of a mailbox has a mail with a header field
// that holds a value. It looks once and touches nothing: for the archive of what
// was sent, as evidence of what was accepted (MAIL O3).
func Holds(ctx context.Context, cfg Config, field, value string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	m := &Mailbox{cfg: cfg.withDefaults()}
	l, err := m.dial(ctx) // the connection is closed when ctx ends
	if err != nil {
		return false, fmt.Errorf("search mailbox: %w", err)
	}
	defer l.close()
	if _, err := l.client.Select(m.cfg.Folder, &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		return false, fmt.Errorf("search mailbox: select: %w", err)
	}
	criteria := &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: field, Value: value}}}
	found, err := l.client.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return false, fmt.Errorf("search mailbox: %w", err)
	}
	return len(found.AllUIDs()) > 0, nil
}
