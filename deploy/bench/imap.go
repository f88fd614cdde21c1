package bench

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
)

// bigMailbox is an IMAP server (RFC 9051, the few commands the hub sends) whose
// folder holds large mails that exist nowhere: each is written while it is
// fetched, so that a mailbox of any size costs no disk and no memory here.
type bigMailbox struct {
	listener net.Listener
	sizes    []int  // of each mail's file, encoded, in bytes
	lines    []byte // base64 in lines, about 1 MB, repeated
	running  sync.WaitGroup
}

// startBigMailbox holds n mails whose files have between least and most bytes,
// encoded.
func startBigMailbox(ctx context.Context, n, least, most int) (*bigMailbox, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start mailbox: %w", err)
	}
	b := &bigMailbox{listener: l, lines: base64Lines(1 << 20)}
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		b.sizes = append(b.sizes, least+r.IntN(most-least+1))
	}
	b.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.running.Go(func() { b.serve(c) })
		}
	})
	return b, nil
}

func (b *bigMailbox) stop() { _ = b.listener.Close() }

func (b *bigMailbox) port() int { return b.listener.Addr().(*net.TCPAddr).Port }

// total is how many bytes all mails have.
func (b *bigMailbox) total() (n int64) {
	for i, size := range b.sizes {
		n += int64(len(b.head(i)) + size + len(bigTail))
	}
	return n
}

const bigTail = "\r\n--big--\r\n"

func (b *bigMailbox) head(i int) string {
	return fmt.Sprintf("From: Customer %d <customer%d@cust.test>\r\nTo: support@hub.test\r\nSubject: Big file %d\r\nMessage-ID: <big%d@cust.test>\r\n"+
		"Date: Mon, 02 Mar 2026 10:11:12 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=big\r\n\r\n--big\r\n\r\nSee the file.\r\n--big\r\n"+
		"Content-Type: application/x-scan; name=scan.bin\r\nContent-Disposition: attachment; filename=scan.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n", i, i, i, i)
}

// write sends one mail as a literal.
func (b *bigMailbox) write(w io.Writer, i int) error {
	head := b.head(i)
	if _, err := fmt.Fprintf(w, "{%d}\r\n%s", len(head)+b.sizes[i]+len(bigTail), head); err != nil {
		return err
	}
	for left := b.sizes[i]; left > 0; {
		n := min(left, len(b.lines))
		if _, err := w.Write(b.lines[:n]); err != nil {
			return err
		}
		left -= n
	}
	_, err := io.WriteString(w, bigTail)
	return err
}

func (b *bigMailbox) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	r, w := bufio.NewReader(c), bufio.NewWriterSize(c, 64<<10)
	const caps = "IMAP4rev1 IDLE UIDPLUS"
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\r\n", args...) }
	say("* OK [CAPABILITY %s] ready", caps)
	for w.Flush() == nil {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, cmd, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb, _, _ := strings.Cut(cmd, " "); {
		case verb == "CAPABILITY":
			say("* CAPABILITY %s", caps)
		case verb == "SELECT", verb == "EXAMINE":
			say("* %d EXISTS", len(b.sizes))
			say("* OK [UIDVALIDITY 7] x")
			say("* OK [UIDNEXT %d] x", len(b.sizes)+1)
		case verb == "IDLE":
			say("+ idling")
			if w.Flush() != nil {
				return
			}
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		case strings.HasPrefix(cmd, "UID FETCH"):
			if b.fetch(w, cmd) != nil {
				return
			}
		case strings.HasPrefix(cmd, "UID SEARCH"):
			b.search(w, cmd)
		case verb == "LOGOUT":
			say("* BYE")
			say("%s OK", tag)
			_ = w.Flush()
			return
		}
		say("%s OK done", tag)
	}
}

// search lists the mails from a UID on.
func (b *bigMailbox) search(w *bufio.Writer, cmd string) {
	_, set, _ := strings.Cut(cmd, "UID SEARCH UID ")
	from, _, _ := strings.Cut(set, ":")
	first, _ := strconv.Atoi(from)
	_, _ = w.WriteString("* SEARCH")
	for uid := max(1, first); uid <= len(b.sizes); uid++ {
		_, _ = fmt.Fprintf(w, " %d", uid)
	}
	_, _ = w.WriteString("\r\n")
}

// fetch answers with sizes and dates, or with whole mails.
func (b *bigMailbox) fetch(w *bufio.Writer, cmd string) error {
	words := strings.Fields(cmd)
	whole := strings.Contains(cmd, "BODY.PEEK[]")
	for set := range strings.SplitSeq(words[2], ",") {
		from, to, ranged := strings.Cut(set, ":")
		first, _ := strconv.Atoi(from)
		last := first
		if ranged {
			if last, _ = strconv.Atoi(to); to == "*" {
				last = len(b.sizes)
			}
		}
		for uid := max(1, first); uid <= min(last, len(b.sizes)); uid++ {
			_, err := fmt.Fprintf(w, `* %d FETCH (UID %d INTERNALDATE "02-Mar-2026 10:11:12 +0100"`, uid, uid)
			if err != nil {
				return err
			}
			if !whole {
				_, _ = fmt.Fprintf(w, " RFC822.SIZE %d)\r\n", len(b.head(uid-1))+b.sizes[uid-1]+len(bigTail))
				continue
			}
			_, _ = w.WriteString(" BODY[] ")
			if err := b.write(w, uid-1); err != nil {
				return err
			}
			if _, err := w.WriteString(")\r\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// base64Lines is about n bytes of a random file, encoded in lines of 76 signs.
func base64Lines(n int) []byte {
	content := make([]byte, n/78*57)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(content) // never fails
	enc := base64.StdEncoding.EncodeToString(content)
	out := make([]byte, 0, n)
	for len(enc) >= 76 {
		out = append(append(out, enc[:76]...), "\r\n"...)
		enc = enc[76:]
	}
	return out
}
