package public

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/westshore/hub/services/forms"
)

// view is what one page shows.
type view struct {
	Values    map[string]string
	Problems  []forms.Problem
	Done      bool
	Reference string
}

// row is one field as the template draws it.
type row struct {
	forms.Field
	Value, Error string
	Complete     string // autocomplete token (HTML, section 4.10.18.7)
}

// Described lists the ids of what explains the field to a screen reader.
func (r row) Described() string {
	var ids []string
	if r.Hint != "" && r.Kind != forms.Checkbox {
		ids = append(ids, r.Name+"-hint")
	}
	if r.Error != "" {
		ids = append(ids, r.Name+"-error")
	}
	return strings.Join(ids, " ")
}

func (p *Pages) render(c *fiber.Ctx, status int, form forms.Form, v view) error {
	data := struct {
		view
		Form                     forms.Form
		Known, FilesAgain        bool
		Brand, Nonce, Stamp      string
		Rows                     []row
		FileError, Thanks, Limit string
	}{
		view: v, Form: form, Known: form.ID != "", Brand: p.Brand, Nonce: p.Nonce(), Thanks: form.Thanks,
		FilesAgain: form.Files.Allowed && len(v.Problems) > 0,
	}
	if data.Thanks == "" {
		data.Thanks = "We have your message and will answer by email."
	}
	if form.ID != "" {
		data.Stamp = p.Forms.Stamp(form.ID)
		data.Rows = rows(form, v)
		data.FileError = v.problemOf(forms.FieldFiles)
		data.Limit = fmt.Sprintf("Up to %d files, %d MB each.", form.Files.Count, form.Files.Size>>20)
	}
	var out bytes.Buffer
	if err := p.page.Execute(&out, data); err != nil {
		return fmt.Errorf("draw form %s: %w", form.ID, err)
	}
	p.headers(c, form, data.Nonce)
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Status(status).Send(out.Bytes())
}

func rows(form forms.Form, v view) []row {
	complete := map[string]string{forms.FieldName: "name", forms.FieldEmail: "email"}
	var out []row
	for _, f := range form.Fields() {
		out = append(out, row{f, v.Values[f.Name], v.problemOf(f.Name), complete[f.Name]})
	}
	return out
}

func (v view) problemOf(field string) string {
	for _, p := range v.Problems {
		if p.Field == field {
			return p.Sentence
		}
	}
	return ""
}

// headers replace the console's: no script, and frames only where the form's
// configuration says so.
func (p *Pages) headers(c *fiber.Ctx, form forms.Form, nonce string) {
	ancestors := "'none'"
	if len(form.Embed) > 0 {
		ancestors = "'self' " + strings.Join(form.Embed, " ")
		c.Response().Header.Del(fiber.HeaderXFrameOptions)
		c.Response().Header.Del("Cross-Origin-Opener-Policy")
	}
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; style-src 'nonce-"+nonce+"'; form-action 'self'; base-uri 'none'; frame-ancestors "+ancestors)
}
