package desk

import (
	"fmt"
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/westshore/hub/events"
)

// File is a file that goes with an answer.
type File struct {
	Name    string
	Type    string // media type (RFC 2046); empty or wrong: any bytes
	Content []byte
}

// What may go with one answer. How much of it travels inside the mail, and how
// much as links, is decided when the mail is rendered (MAIL O21).
const (
	MaxFiles     = 20
	MaxFileBytes = 25 << 20 // of all files together
)

// pack makes the description and the bytes of files.
func pack(files []File) (list []events.AnswerFile, blobs []events.Blob, err error) {
	total := 0
	for _, f := range files {
		total += len(f.Content)
		if len(f.Content) == 0 {
			return nil, nil, &Refusal{"empty_file", "A file is empty."}
		}
		list = append(list, events.AnswerFile{Name: fileName(f.Name), Type: mediaType(f.Type), Size: int64(len(f.Content))})
		blobs = append(blobs, events.NewBlob(f.Content))
	}
	if len(files) > MaxFiles || total > MaxFileBytes {
		return nil, nil, &Refusal{"too_many_files", fmt.Sprintf("An answer takes %d files of %d MB together.", MaxFiles, MaxFileBytes>>20)}
	}
	return list, blobs, nil
}

// fileName keeps the last part of a path, without controls and marks that change
// the direction of writing, in at most 200 bytes with its ending.
func fileName(s string) string {
	s = path.Base(strings.ReplaceAll(strings.ToValidUTF8(s, "_"), `\`, "/"))
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.In(r, unicode.Bidi_Control), r == '\u2028', r == '\u2029':
			return -1
		case strings.ContainsRune(`"<>|:*?`, r):
			return '_'
		}
		return r
	}, s))
	if s == "" || strings.Trim(s, "./") == "" {
		return "file"
	}
	const most = 200
	if len(s) <= most {
		return s
	}
	end := path.Ext(s)
	if len(end) > 20 {
		end = ""
	}
	head := s[:most-len(end)]
	for !utf8.ValidString(head) {
		head = head[:len(head)-1]
	}
	return head + end
}

func mediaType(s string) string {
	if t, _, err := mime.ParseMediaType(s); err == nil && strings.Count(t, "/") == 1 && !strings.HasPrefix(t, "multipart/") && !strings.HasPrefix(t, "message/") {
		return t
	}
	return "application/octet-stream"
}
