package public

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"regexp"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/services/forms"
)

// textBody is the most bytes of a request without files.
const textBody = 1 << 20

var goodKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// read takes a submission out of a request: form fields, multipart or JSON.
func (p *Pages) read(c *fiber.Ctx, form forms.Form) (forms.Submission, error) {
	var sub forms.Submission
	if sub.Key = c.Get("Idempotency-Key"); sub.Key != "" && !goodKey.MatchString(sub.Key) {
		return sub, problem("Idempotency-Key: use up to 64 letters, digits, dashes and underscores.")
	}
	kind, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil {
		return sub, fiber.ErrUnsupportedMediaType
	}
	if int64(c.Request().Header.ContentLength()) > form.BodyLimit() {
		return sub, &forms.SizeError{Sentence: "What you sent is too large. Please shorten it or attach smaller files."}
	}
	body, _ := c.Context().UserValue(BodyKey).(io.Reader)
	if body == nil {
		return sub, problem("The form was empty.")
	}
	switch kind {
	case fiber.MIMEApplicationForm:
		sub.Fields, err = readURLEncoded(body)
	case fiber.MIMEApplicationJSON:
		sub.Fields, err = readJSON(body)
	case fiber.MIMEMultipartForm:
		limited := &bounded{r: body, left: form.BodyLimit()}
		sub.Fields, sub.Files, err = form.ReadMultipart(multipart.NewReader(limited, params["boundary"]))
	default:
		return sub, fiber.ErrUnsupportedMediaType
	}
	sub.Stamp, sub.Trap = sub.Fields[forms.FieldStamp], sub.Fields[forms.FieldTrap]
	return sub, err
}

func readURLEncoded(r io.Reader) (map[string]string, error) {
	b, err := readText(r)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, problem("The form did not arrive whole. Please send it again.")
	}
	fields := make(map[string]string, len(values))
	for name, v := range values {
		fields[name] = v[0]
	}
	return fields, nil
}

// readJSON takes one object of strings; true stands for a ticked checkbox.
func readJSON(r io.Reader) (map[string]string, error) {
	b, err := readText(r)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, problem("The body is not one JSON object.")
	}
	fields := make(map[string]string, len(doc))
	var wrong []forms.Problem
	for name, v := range doc {
		switch v := v.(type) {
		case string:
			fields[name] = v
		case bool:
			if v {
				fields[name] = "yes"
			}
		case nil:
		default:
			wrong = append(wrong, forms.Problem{Field: name, Sentence: "Must be a string."})
		}
	}
	if len(wrong) > 0 {
		return nil, &forms.InvalidError{Problems: wrong}
	}
	return fields, nil
}

func readText(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, textBody+1))
	if err != nil {
		return nil, problem("The form did not arrive whole. Please send it again.")
	}
	if len(b) > textBody {
		return nil, &forms.SizeError{Sentence: "What you wrote is too long to be sent at once."}
	}
	return b, nil
}

// bounded fails, rather than ends, when there is more than a form may hold.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &forms.SizeError{Sentence: "What you sent is too large. Please attach smaller files."}
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

func problem(sentence string) error {
	return &forms.InvalidError{Problems: []forms.Problem{{Sentence: sentence}}}
}
