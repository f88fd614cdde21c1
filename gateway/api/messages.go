package api

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/projections/tickets"
)

// filePolicy is the Content-Security-Policy of everything a stranger sent us.
const filePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

type fileOutput struct {
	Type         string `header:"Content-Type"`
	Disposition  string `header:"Content-Disposition"`
	Policy       string `header:"Content-Security-Policy"`
	FrameOptions string `header:"X-Frame-Options"`
	Referrer     string `header:"Referrer-Policy"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

type bodyInput struct {
	Ticket  string `path:"ticket" maxLength:"40"`
	Message string `path:"message" maxLength:"40"`
	Images  string `query:"images" enum:"0,1" default:"0"`
}

// MessageInput names a message of a ticket.
type MessageInput struct {
	ID      string `path:"id" maxLength:"40" doc:"Id or number of the ticket"`
	Message string `path:"message" maxLength:"40"`
}

type attachmentInput struct {
	MessageInput
	Attachment string `path:"attachment" maxLength:"80"`
	Inline     string `query:"inline" enum:"0,1" default:"0" doc:"1: to be shown inside the message, images only"`
}

func (a *API) messages() {
	file := func(id, path, summary, kind string) huma.Operation {
		o := get(id, path, summary)
		o.Errors = []int{http.StatusNotFound, http.StatusForbidden}
		o.Responses = map[string]*huma.Response{"200": {
			Description: summary, Content: map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
		}}
		return o
	}
	add(a, file("get-body", "/messages/{ticket}/{message}/body", "A message as a safe document, for a sandboxed frame", "text/html"), a.getBody)
	add(a, file("get-attachment", "/tickets/{id}/messages/{message}/attachments/{attachment}", "A file of a message", "application/octet-stream"), a.getAttachment)
	add(a, file("get-raw", "/tickets/{id}/messages/{message}/raw", "A mail as it came", "message/rfc822"), a.getRaw)
}

// message finds one message of one ticket: an id that belongs to another ticket
// is not found.
func (a *API) message(ctx context.Context, ticket, message string) (tickets.Ticket, tickets.Message, error) {
	c, err := a.rooms.Tickets.Read(ctx, CallerOf(ctx).Agent.Principal(), ticket)
	if err != nil {
		return tickets.Ticket{}, tickets.Message{}, err
	}
	for _, m := range c.Messages {
		if m.ID == message {
			return c.Ticket, m, nil
		}
	}
	return tickets.Ticket{}, tickets.Message{}, tickets.ErrNotFound
}

func (a *API) getBody(ctx context.Context, in *bodyInput) (*fileOutput, error) {
	if in.Images == "1" {
		return nil, NewProblem(http.StatusForbidden, "Remote images are not loaded in this release.")
	}
	t, m, err := a.message(ctx, in.Ticket, in.Message)
	if err != nil {
		return nil, err
	}
	if err := readable(m.State); err != nil {
		return nil, err
	}
	if m.HTML == "" {
		return nil, tickets.ErrNotFound
	}
	doc, _ := mailview.Document(m.HTML, mailview.Options{Inline: inline(t.ID, m), Leave: a.cfg.Leave})
	return &fileOutput{
		Type: "text/html; charset=utf-8", Disposition: "inline", Policy: mailview.CSP, FrameOptions: "SAMEORIGIN",
		Referrer: "no-referrer", CacheControl: "no-store", Body: []byte(doc),
	}, nil
}

// inline gives the address of a part of the same mail, for images only.
func inline(ticket events.TicketID, m tickets.Message) func(string) (string, bool) {
	return func(ref string) (string, bool) {
		cid, isCID := strings.CutPrefix(ref, "cid:")
		if isCID {
			if decoded, err := url.PathUnescape(cid); err == nil {
				cid = decoded
			}
		}
		for _, at := range m.Attachments {
			if !showable[at.Type] || isCID && at.ContentID != cid || !isCID && at.Name != ref || cid == "" {
				continue
			}
			return Base + "/tickets/" + string(ticket) + "/messages/" + url.PathEscape(m.ID) + "/attachments/" + url.PathEscape(at.ID) + "?inline=1", true
		}
		return "", false
	}
}

// showable are the types that a browser only ever draws. SVG is a program.
var showable = map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

func (a *API) getAttachment(ctx context.Context, in *attachmentInput) (*fileOutput, error) {
	_, m, err := a.message(ctx, in.ID, in.Message)
	if err != nil {
		return nil, err
	}
	if err := readable(m.State); err != nil {
		return nil, err
	}
	for _, at := range m.Attachments {
		if at.ID != in.Attachment {
			continue
		}
		b, err := a.bytesOf(ctx, m, at)
		if err != nil {
			return nil, err
		}
		return download(at.Name, at.Type, in.Inline == "1", b), nil
	}
	return nil, tickets.ErrNotFound
}

// bytesOf opens a file of a form, or takes a part out of the raw mail.
func (a *API) bytesOf(ctx context.Context, m tickets.Message, at events.Attachment) ([]byte, error) {
	b, err := a.blob(ctx, m.ID, at.File)
	if err != nil || at.File > 0 {
		return b, err
	}
	part, err := a.rooms.Part(b, at)
	if err != nil {
		return nil, fmt.Errorf("take attachment out of mail: %w", err)
	}
	return part, nil
}

// blob opens one file of a message that came in.
func (a *API) blob(ctx context.Context, message string, file int) ([]byte, error) {
	sealed, err := a.rooms.Tickets.File(ctx, message, file)
	if err == nil && sealed.Empty() { // the mail server never gave it
		err = tickets.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	b, state, err := a.rooms.Raw(ctx, CallerOf(ctx).Agent.Principal(), sealed)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	return b, readable(state)
}

func (a *API) getRaw(ctx context.Context, in *MessageInput) (*fileOutput, error) {
	t, m, err := a.message(ctx, in.ID, in.Message)
	if err != nil {
		return nil, err
	}
	b, err := a.blob(ctx, m.ID, 0)
	if err != nil {
		return nil, err
	}
	return download(fmt.Sprintf("ticket-%d.eml", t.Number), "message/rfc822", false, b), nil
}

// download answers a stranger's bytes so that no browser runs them: as a file,
// never sniffed, in a sandbox; images alone may be drawn where a message shows
// them. Nothing of it stays in the browser: what is erased is gone there too.
func download(name, kind string, show bool, b []byte) *fileOutput {
	out := &fileOutput{
		Type: "application/octet-stream", Disposition: disposition(name), Policy: filePolicy, FrameOptions: "DENY",
		Referrer: "no-referrer", CacheControl: "no-store", Body: b,
	}
	if kind == "message/rfc822" {
		out.Type = kind
	}
	if showable[kind] {
		out.Type = kind
		if show {
			out.Disposition = "inline"
		}
	}
	return out
}

// disposition names a download (RFC 6266); the name was cleaned when it came in
// and is encoded here, so that it cannot leave the header.
func disposition(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || strings.ContainsRune(`/\":*?<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": name}); d != "" && name != "" {
		return d
	}
	return "attachment"
}

// readable turns the state of a sealed part into an answer.
func readable(s events.State) error {
	switch s {
	case events.Erased:
		return NewProblem(http.StatusGone, "This was erased.")
	case events.Restricted, events.Denied:
		return NewProblem(http.StatusForbidden, "You may not read this.")
	case events.Plain, events.Masked, events.Unopened:
	}
	return nil
}
