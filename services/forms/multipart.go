package forms

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// File is one attached file. Type is sniffed from the bytes, never believed.
type File struct {
	Name string
	Type string
	Data []byte
}

const (
	maxParts    = 64
	maxPartText = 256 << 10
)

// ReadMultipart reads a multipart/form-data request (RFC 7578) part by part.
// Files stay in memory and count against the form's caps while they are read,
// so that a request never holds more than they allow; nothing touches a disk.
// It fails with a *SizeError, an *InvalidError, or the reader's own error.
func (f Form) ReadMultipart(r *multipart.Reader) (map[string]string, []File, error) {
	fields := map[string]string{}
	var files []File
	var total int64
	for n := 0; ; n++ {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return fields, files, nil
		}
		if err != nil {
			return nil, nil, malformed(err)
		}
		if n >= maxParts {
			return nil, nil, &SizeError{"The form was sent with too many parts."}
		}
		if part.FileName() == "" && part.FormName() != FieldFiles {
			if err := readText(part, fields); err != nil {
				return nil, nil, err
			}
			continue
		}
		file, err := f.readFile(part, len(files), total)
		if err != nil {
			return nil, nil, err
		}
		if file.Name != "" || len(file.Data) > 0 {
			files = append(files, file)
			total += int64(len(file.Data))
		}
	}
}

func readText(part *multipart.Part, fields map[string]string) error {
	b, err := io.ReadAll(io.LimitReader(part, maxPartText+1))
	if err != nil {
		return malformed(err)
	}
	if len(b) > maxPartText {
		return &SizeError{"One answer is too long to be read."}
	}
	if _, twice := fields[part.FormName()]; !twice {
		fields[part.FormName()] = string(b)
	}
	return nil
}

func (f Form) readFile(part *multipart.Part, count int, total int64) (File, error) {
	limit := min(f.Files.Size, f.Files.Total-total)
	if !f.Files.Allowed || count >= f.Files.Count {
		limit = 0
	}
	b, err := io.ReadAll(io.LimitReader(part, limit+1))
	if err != nil {
		return File{}, malformed(err)
	}
	name := FileName(part.FileName())
	switch n := int64(len(b)); {
	case n <= limit && (n > 0 || part.FileName() != ""):
	case n == 0:
		return File{}, nil // a file input that was left empty
	case !f.Files.Allowed:
		return File{}, &InvalidError{[]Problem{{FieldFiles, "This form takes no files."}}}
	case count >= f.Files.Count:
		return File{}, &InvalidError{[]Problem{{FieldFiles, fmt.Sprintf("Please attach at most %d files.", f.Files.Count)}}}
	case n > f.Files.Size:
		return File{}, &SizeError{fmt.Sprintf("A file is larger than %s. Please attach a smaller one.", megabytes(f.Files.Size))}
	default:
		return File{}, &SizeError{fmt.Sprintf("The files are larger than %s together. Please attach fewer.", megabytes(f.Files.Total))}
	}
	kind, _, _ := strings.Cut(mimetype.Detect(b).String(), ";")
	return File{Name: name, Type: kind, Data: b}, nil
}

// FileName reduces what a browser calls a file to a name without a folder,
// controls or direction marks, of at most 120 bytes; "file" when nothing is left.
func FileName(s string) string {
	if dec, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
		s = dec
	}
	s = path.Base(strings.ReplaceAll(strings.ToValidUTF8(s, ""), `\`, "/"))
	s = strings.TrimLeft(strings.Join(strings.Fields(keepLine(s)), " "), ".")
	if s == "" || s == "/" {
		return "file"
	}
	const most = 120
	if len(s) <= most {
		return s
	}
	ext := path.Ext(s)
	if len(ext) > 16 {
		ext = ""
	}
	cut := most - len(ext)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ext
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+(1<<20)-1)>>20) }

func malformed(err error) error {
	if e, ok := errors.AsType[*SizeError](err); ok {
		return e
	}
	return &InvalidError{[]Problem{{"", "The form did not arrive whole. Please send it again."}}}
}
