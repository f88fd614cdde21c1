package api

import (
	"context"

	"github.com/westshore/hub/events"
	"github.com/westshore/hub/gateway/mailview"
	"github.com/westshore/hub/services/notices"
)

// NoticePreview is a notice as one reader would get it.
type NoticePreview struct {
	Language string  `json:"language"`
	From     Address `json:"from"`
	To       Address `json:"to"`
	Subject  string  `json:"subject"`
	Text     string  `json:"text"`
	HTML     string  `json:"html" doc:"A safe document to show in a frame; empty when the notice has text alone"`
	Outbound string  `json:"outbound" doc:"Of the message to oneself, with send"`
}

type noticePreviewOutput struct {
	Positioned
	Body NoticePreview
}

// Sample is a made-up reader.
type Sample struct {
	Name     string `json:"name,omitempty" maxLength:"200" doc:"Empty: one's own"`
	Language string `json:"language,omitempty" maxLength:"12" doc:"Empty: the first of the notice"`
}

type previewInput struct {
	Target
	Body struct {
		Sample
		Send bool `json:"send,omitempty" doc:"Also send it to oneself, marked as a preview"`
	}
}

type previewDraftInput struct {
	Body struct {
		Sample
		Draft NoticeDraft `json:"draft"`
	}
}

func (a *API) noticePreviews() {
	add(a, noticeOp("preview-notice", "preview", "See it, and send it to oneself"), a.previewNotice)
	add(a, post("preview-draft", "/notices/preview", "See what is not written down yet, or what is wrong with it"),
		func(ctx context.Context, in *previewDraftInput) (*noticePreviewOutput, error) {
			r, err := a.rooms.Notices.PreviewDraft(in.Body.Draft.draft(), reader(ctx, in.Body.Sample), in.Body.Language)
			if err != nil {
				return nil, err
			}
			return &noticePreviewOutput{Body: wirePreview(r)}, nil
		})
}

// reader is the sample reader: oneself, under a name of one's choice.
func reader(ctx context.Context, s Sample) events.Address {
	me := CallerOf(ctx).Agent
	to := events.Address{Name: me.Name, Address: me.Email}
	if s.Name != "" {
		to.Name = s.Name
	}
	return to
}

func (a *API) previewNotice(ctx context.Context, in *previewInput) (*noticePreviewOutput, error) {
	id, to := events.NoticeID(in.ID), reader(ctx, in.Body.Sample)
	r, err := a.rooms.Notices.Preview(ctx, id, to, in.Body.Language)
	if err != nil {
		return nil, err
	}
	out := &noticePreviewOutput{Body: wirePreview(r)}
	if !in.Body.Send {
		return out, nil
	}
	done, err := a.rooms.Notices.SendPreview(ctx, a.noticeCommand(ctx, in.Command), id, to, in.Body.Language)
	if err != nil {
		return nil, err
	}
	out.Positioned, out.Body.Outbound = a.wrote(ctx, done.Position), string(done.Outbound)
	return out, nil
}

func wirePreview(r notices.Rendered) NoticePreview {
	w := NoticePreview{Language: r.Language, From: Address(r.From), To: Address(r.To), Subject: r.Subject, Text: r.Text}
	if r.HTML != "" {
		w.HTML, _ = mailview.Document(r.HTML, mailview.Options{})
	}
	return w
}
