package api

import (
	"context"
	"net/http"
	"time"

	"github.com/westshore/hub/events"
	noticeviews "github.com/westshore/hub/projections/notices"
	"github.com/westshore/hub/services/notices"
)

// Template is text to draft notices from.
type Template struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Kind      string       `json:"kind" enum:"administrative,promotional"`
	Topic     string       `json:"topic" enum:"policy,transfer,incident,service,other"`
	Texts     []NoticeText `json:"texts" nullable:"false"`
	Retired   bool         `json:"retired"`
	WrittenBy MaybeRef     `json:"written_by"`
	Revision  int64        `json:"revision"`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

// TemplateText is what a template will be.
type TemplateText struct {
	Name  string       `json:"name" minLength:"1" maxLength:"120"`
	Kind  string       `json:"kind" enum:"administrative,promotional"`
	Topic string       `json:"topic" enum:"policy,transfer,incident,service,other"`
	Texts []NoticeText `json:"texts" nullable:"false" minItems:"1" maxItems:"20" doc:"Names that are not of the house are values that a notice brings"`
}

func (t TemplateText) template() notices.Template {
	return notices.Template{Name: t.Name, Kind: events.OutboundKind(t.Kind), Topic: t.Topic, Texts: noticeTexts(t.Texts)}
}

// TemplateDone is what a command on a template answers.
type TemplateDone struct {
	Template string `json:"template"`
	Revision int64  `json:"revision"`
}

type templateDoneOutput struct {
	Positioned
	Body TemplateDone
}

type templatesOutput struct {
	Positioned
	Body struct {
		Items []Template `json:"items" nullable:"false"`
	}
}

type templateOutput struct {
	Positioned
	Body Template
}

type writeTemplateInput struct {
	Command
	Body TemplateText
}

type rewriteTemplateInput struct {
	Target
	Body TemplateText
}

func (a *API) templates() {
	add(a, get("list-templates", "/templates", "Text to draft notices from, newest first"), a.listTemplates)
	add(a, get("get-template", "/templates/{id}", "One of them"), a.getTemplate)
	write := post("write-template", "/templates", "Begin a template")
	write.DefaultStatus = http.StatusCreated
	add(a, write, func(ctx context.Context, in *writeTemplateInput) (*templateDoneOutput, error) {
		return a.templateDone(ctx)(a.rooms.Notices.WriteTemplate(ctx, a.noticeCommand(ctx, in.Command), "", in.Body.template()))
	})
	rewrite := post("rewrite-template", "/templates/{id}/revise", "Write it anew; notices made from it keep their text")
	retire := post("retire-template", "/templates/{id}/retire", "Take it out of use")
	rewrite.Errors, retire.Errors = []int{http.StatusNotFound}, []int{http.StatusNotFound}
	add(a, rewrite, func(ctx context.Context, in *rewriteTemplateInput) (*templateDoneOutput, error) {
		if err := identifier(in.ID); err != nil {
			return nil, err
		}
		return a.templateDone(ctx)(a.rooms.Notices.WriteTemplate(ctx, a.noticeCommand(ctx, in.Command), events.TemplateID(in.ID), in.Body.template()))
	})
	add(a, retire, func(ctx context.Context, in *bareInput) (*templateDoneOutput, error) {
		return a.templateDone(ctx)(a.rooms.Notices.RetireTemplate(ctx, a.noticeCommand(ctx, in.Command), events.TemplateID(in.ID)))
	})
}

func (a *API) templateDone(ctx context.Context) func(notices.Done, error) (*templateDoneOutput, error) {
	return func(d notices.Done, err error) (*templateDoneOutput, error) {
		if err != nil {
			return nil, err
		}
		return &templateDoneOutput{a.wrote(ctx, d.Position), TemplateDone{string(d.Template), d.Revision}}, nil
	}
}

func (a *API) listTemplates(ctx context.Context, in *struct {
	Reading
	Retired bool `query:"retired" doc:"Retired ones too"`
},
) (*templatesOutput, error) {
	var out templatesOutput
	var err error
	if out.Positioned, err = a.view(ctx, "notices", in.Reading); err != nil {
		return nil, err
	}
	list, err := a.rooms.NoticeView.Templates(ctx)
	if err != nil {
		return nil, err
	}
	out.Body.Items = []Template{}
	for _, t := range list {
		if in.Retired || !t.Retired {
			out.Body.Items = append(out.Body.Items, a.wireTemplate(ctx, t))
		}
	}
	return &out, nil
}

func (a *API) getTemplate(ctx context.Context, in *struct {
	Reading
	ID string `path:"id" maxLength:"32"`
},
) (*templateOutput, error) {
	var out templateOutput
	var err error
	if out.Positioned, err = a.view(ctx, "notices", in.Reading); err != nil {
		return nil, err
	}
	t, err := a.rooms.NoticeView.Template(ctx, events.TemplateID(in.ID))
	if err != nil {
		return nil, noticeError(err)
	}
	out.Body = a.wireTemplate(ctx, t)
	return &out, nil
}

func (a *API) wireTemplate(ctx context.Context, t noticeviews.Template) Template {
	return Template{
		ID: string(t.ID), Name: t.Name, Kind: string(t.Kind), Topic: t.Topic, Texts: wireTexts(t.Texts), Retired: t.Retired,
		WrittenBy: a.agent(ctx, t.Agent), Revision: t.Revision, CreatedAt: t.CreatedAt.UTC(), UpdatedAt: t.UpdatedAt.UTC(),
	}
}
