package mail

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// The parts of a conversation index ([MS-OXOMSG] section 2.2.1.3): a head that
// names the conversation, and for each answer a block behind it.
const (
	indexHead  = 22
	indexBlock = 5
	maxBlocks  = 60
)

// ThreadIndex is what Outlook and Exchange go by, beside References: the field
// Thread-Index, checked and written anew; "" when there is none. It survives
// where relays replace Message-IDs, but anybody who has seen a mail can copy it,
// so it proves nothing.
func (m *Message) ThreadIndex() string {
	if b := readIndex(m.Header.First("Thread-Index")); b != nil {
		return base64.StdEncoding.EncodeToString(b)
	}
	return ""
}

// ThreadTopic is what the conversation is called: the field Thread-Topic, else
// the subject without the one to three letters and a colon before it that
// Exchange takes for a prefix ([MS-OXCMSG] section 2.2.1.46).
func (m *Message) ThreadTopic() string {
	if topic := squeezeSubject(m.Header.First("Thread-Topic")); topic != "" {
		return topic
	}
	if prefix, rest, ok := strings.Cut(m.Subject, ": "); ok && utf8.RuneCountInString(prefix) <= 3 {
		return rest
	}
	return m.Subject
}

// Conversation is the part of a ThreadIndex that all mails of a conversation
// share; "" when there is none.
func Conversation(index string) string {
	if b := readIndex(index); b != nil {
		return string(b[:indexHead])
	}
	return ""
}

// ThreadFields are the fields that keep an answer in the conversation of the mail
// with this index: its own place in it, which is derived from its Message-ID, and
// the topic, without which Outlook begins a conversation of its own. They are
// none when index is none.
func ThreadFields(index, topic, messageID string) []Field {
	b := readIndex(index)
	if b == nil {
		return nil
	}
	if len(b) <= indexHead+indexBlock*(maxBlocks-1) {
		sum := sha256.Sum256([]byte(messageID))
		sum[0] &= 0x7f // the time since the head, at the finer of two resolutions
		b = append(b, sum[:indexBlock]...)
	}
	fields := []Field{{Name: "Thread-Index", Value: base64.StdEncoding.EncodeToString(b)}}
	if topic = CleanSubject(topic); topic != "" {
		fields = append(fields, Field{Name: "Thread-Topic", Value: topic})
	}
	return fields
}

// readIndex gives nil for what is no index.
func readIndex(v string) []byte {
	if v == "" || len(v) > 2*(indexHead+indexBlock*maxBlocks) {
		return nil
	}
	b := DecodePart([]byte(v), "base64")
	if len(b) < indexHead || (len(b)-indexHead)%indexBlock != 0 || len(b) > indexHead+indexBlock*maxBlocks {
		return nil
	}
	return b
}
