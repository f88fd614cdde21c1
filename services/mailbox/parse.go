package mailbox

import (
	"fmt"
	"io"

	"github.com/westshore/hub/services/internal/mail"
)

// maxParseFile bounds what ParseFile reads, in bytes.
const maxParseFile = 256 << 20

// ParseFile reads one raw mail and writes what we make of it as JSON, the shape
// of `hub mail parse` (mail.Parsed): addresses and Message-IDs bare, date in
// RFC 3339 or "". It fails only when r or w does: every mail has a result.
func ParseFile(r io.Reader, w io.Writer) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxParseFile))
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	return mail.ParsedJSON(w, mail.Parse(raw, mail.Options{}), mail.OwnAddresses{})
}

// ReadOnly reads a raw mail as a door does and gives how many files it holds:
// for measuring.
func ReadOnly(raw []byte) (files int) {
	return len(mail.Parse(raw, mail.Options{MaxText: maxText, MaxHTML: maxHTML}).Attachments)
}
