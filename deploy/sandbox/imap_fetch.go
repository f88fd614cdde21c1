package sandbox

import (
	"bufio"
	"bytes"
	"io"
	"os"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-message/textproto"
)

// Fetch writes the asked items of mails. Bodies come from disk, one at a time,
// and no lock is held while the client reads.
func (s *imapSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	picks := s.picks(set)
	if !s.readOnly && marksSeen(options) {
		var unseen []picked
		s.folder.mu.Lock()
		for _, p := range picks {
			if !p.msg.flags[imap.FlagSeen] {
				unseen = append(unseen, p)
			}
		}
		s.folder.mu.Unlock()
		if len(unseen) > 0 {
			if err := s.setFlags(unseen, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}}); err != nil {
				return err
			}
		}
	}
	for _, p := range picks {
		if err := s.fetchOne(w, p, options); err != nil {
			return err
		}
	}
	return nil
}

func marksSeen(options *imap.FetchOptions) bool {
	for _, bs := range options.BodySection {
		if !bs.Peek {
			return true
		}
	}
	for _, bs := range options.BinarySection {
		if !bs.Peek {
			return true
		}
	}
	return false
}

func needsBody(o *imap.FetchOptions) bool {
	return o.Envelope || o.BodyStructure != nil || len(o.BodySection)+len(o.BinarySection)+len(o.BinarySectionSize) > 0
}

func (s *imapSession) fetchOne(w *imapserver.FetchWriter, p picked, o *imap.FetchOptions) error {
	var raw []byte
	if needsBody(o) {
		var err error
		if raw, err = os.ReadFile(s.folder.path(p.msg.file)); os.IsNotExist(err) {
			return nil // expunged by another session meanwhile
		} else if err != nil {
			return err
		}
	}
	s.folder.mu.Lock()
	flags := flagList(p.msg.flags)
	s.folder.mu.Unlock()

	r := w.CreateMessage(p.seq)
	r.WriteUID(p.msg.uid)
	if o.Flags {
		r.WriteFlags(flags)
	}
	if o.InternalDate {
		r.WriteInternalDate(p.msg.when)
	}
	if o.RFC822Size {
		r.WriteRFC822Size(p.msg.size)
	}
	if o.Envelope {
		r.WriteEnvelope(envelope(raw))
	}
	if o.BodyStructure != nil {
		r.WriteBodyStructure(structure(raw))
	}
	if err := writeSections(r, raw, o); err != nil {
		return err
	}
	return r.Close()
}

func writeSections(r *imapserver.FetchResponseWriter, raw []byte, o *imap.FetchOptions) error {
	for _, bs := range o.BodySection {
		part := section(raw, bs)
		if err := writeLiteral(r.WriteBodySection(bs, int64(len(part))), part); err != nil {
			return err
		}
	}
	for _, bs := range o.BinarySection {
		part := guarded(func() []byte { return imapserver.ExtractBinarySection(bytes.NewReader(raw), bs) })
		if err := writeLiteral(r.WriteBinarySection(bs, int64(len(part))), part); err != nil {
			return err
		}
	}
	for _, bs := range o.BinarySectionSize {
		r.WriteBinarySectionSize(bs, guarded(func() uint32 { return imapserver.ExtractBinarySectionSize(bytes.NewReader(raw), bs) }))
	}
	return nil
}

func writeLiteral(w io.WriteCloser, b []byte) error {
	_, err := w.Write(b)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return err
}

// section cuts what needs no parsing from the bytes as they are, so that it
// comes back exactly; the rest goes through the library.
func section(raw []byte, bs *imap.FetchItemBodySection) []byte {
	simple := len(bs.Part) == 0 && len(bs.HeaderFields) == 0 && len(bs.HeaderFieldsNot) == 0
	end := headerEnd(raw)
	switch {
	case simple && bs.Specifier == imap.PartSpecifierNone:
		return partial(raw, bs.Partial)
	case simple && bs.Specifier == imap.PartSpecifierHeader:
		return partial(raw[:end], bs.Partial)
	case simple && bs.Specifier == imap.PartSpecifierText:
		return partial(raw[end:], bs.Partial)
	}
	return guarded(func() []byte { return imapserver.ExtractBodySection(bytes.NewReader(raw), bs) })
}

// headerEnd returns the offset after the empty line that ends the header.
func headerEnd(raw []byte) int {
	for i := 0; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '\n')
		if n < 0 {
			return len(raw)
		}
		line := raw[i : i+n]
		i += n + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return i
		}
	}
	return len(raw)
}

func partial(b []byte, p *imap.SectionPartial) []byte {
	if p == nil {
		return b
	}
	if p.Offset > int64(len(b)) {
		return nil
	}
	b = b[p.Offset:]
	if p.Size < int64(len(b)) {
		b = b[:p.Size]
	}
	return b
}

func envelope(raw []byte) *imap.Envelope {
	h, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return nil
	}
	return guarded(func() *imap.Envelope { return imapserver.ExtractEnvelope(h) })
}

// structure falls back to plain text for a mail the library cannot take apart.
func structure(raw []byte) imap.BodyStructure {
	if bs := guarded(func() imap.BodyStructure { return imapserver.ExtractBodyStructure(bytes.NewReader(raw)) }); bs != nil {
		return bs
	}
	return &imap.BodyStructureSinglePart{Type: "text", Subtype: "plain", Encoding: "8bit", Size: uint32(len(raw)), Text: &imap.BodyStructureText{}}
}

// guarded turns a panic of the library on a malformed mail into a zero value:
// a strange mail must not cost the connection.
func guarded[T any](f func() T) (v T) {
	defer func() {
		if recover() != nil {
			var zero T
			v = zero
		}
	}()
	return f()
}
