package notices

import (
	"fmt"
	"slices"
	"strings"

	"github.com/westshore/hub/events"
)

// Topics are what notices are about.
var Topics = []string{"policy", "transfer", "incident", "service", "other"}

// Bounds of a draft.
const (
	maxTexts     = 20
	maxValues    = 30
	maxValue     = 500
	maxTitle     = 120
	maxSubject   = 200
	maxText      = 64 << 10
	maxCustomers = 20_000 // named one by one
)

// Draft is what a notice will be.
type Draft struct {
	Kind     events.OutboundKind // administrative or promotional
	Topic    string              // one of Topics
	Title    string              // for agents
	Mailbox  events.MailboxID    // in whose name; empty: the one each reader wrote to
	Template events.TemplateID   // it was made from; its texts are not looked at again
	Texts    []events.NoticeText // the first is the fallback
	Values   []events.NoticeValue
	Audience events.NoticeAudience
	Rate     int // messages a minute; zero is the default
}

// complaints collects what is wrong with a draft, by field.
type complaints map[string]string

func (c complaints) add(field, format string, a ...any) {
	if c[field] == "" {
		c[field] = fmt.Sprintf(format, a...)
	}
}

func (c complaints) err() error {
	if len(c) == 0 {
		return nil
	}
	return &InvalidError{fields: c}
}

// check says what keeps a draft from being sent: nothing is left to be found out
// when the first message goes out.
func (n *Notices) check(d Draft) error {
	bad := complaints{}
	checkHead(bad, d.Kind, d.Topic, "title", d.Title)
	if d.Rate < 1 || d.Rate > n.cfg.MaxRate {
		bad.add("rate", "The pace is 1 to %d messages a minute.", n.cfg.MaxRate)
	}
	if _, ok := n.senders[d.Mailbox]; d.Mailbox != "" && !ok {
		bad.add("mailbox", "There is no such mailbox.")
	}
	if _, ok := n.senders[d.Audience.Mailbox]; d.Audience.Mailbox != "" && !ok {
		bad.add("audience.mailbox", "There is no such mailbox.")
	}
	if len(d.Audience.Customers) > maxCustomers {
		bad.add("audience.customers", "At most %d people can be named one by one.", maxCustomers)
	}
	if len(n.cfg.Senders) == 0 {
		bad.add("mailbox", "There is no mailbox to write from.")
	}
	if d.Kind == events.OutboundPromotional && n.cfg.Unsubscribe == nil {
		bad.add("kind", "Promotional notices need a way to unsubscribe, and this hub has none.")
	}
	own := checkValues(bad, d.Values)
	checkTexts(bad, d.Kind, d.Texts, func(name string) (known, link bool) {
		if link, ok := houseValues[name]; ok {
			return true, link
		}
		return own[name] != "", false
	})
	if len(bad) == 0 {
		n.checkMissing(bad, d)
	}
	return bad.err()
}

func checkHead(bad complaints, kind events.OutboundKind, topic, field, title string) {
	if kind != events.OutboundAdministrative && kind != events.OutboundPromotional {
		bad.add("kind", "The kind is administrative or promotional.")
	}
	if !slices.Contains(Topics, topic) {
		bad.add("topic", "The topic is one of %s.", strings.Join(Topics, ", "))
	}
	if title == "" || len(title) > maxTitle || line(title, maxTitle) != title {
		bad.add(field, "It needs one line of at most %d characters.", maxTitle)
	}
}

func checkValues(bad complaints, list []events.NoticeValue) map[string]string {
	own := map[string]string{}
	if len(list) > maxValues {
		bad.add("values", "At most %d values.", maxValues)
		return own
	}
	for i, v := range list {
		field := fmt.Sprintf("values[%d]", i)
		_, taken := houseValues[v.Name]
		switch {
		case !validName(v.Name):
			bad.add(field, "A name is lower-case letters, digits and underscores.")
		case taken || own[v.Name] != "":
			bad.add(field, "The name %s is taken.", v.Name)
		case v.Value == "" || len(v.Value) > maxValue || line(v.Value, maxValue) != v.Value:
			bad.add(field, "The value of %s is empty, longer than %d characters or more than one line.", v.Name, maxValue)
		}
		own[v.Name] = v.Value
	}
	return own
}

// checkTexts parses every text. known says of a name whether it may be used, and
// whether it is a link; a template knows any name that is not of the house.
func checkTexts(bad complaints, kind events.OutboundKind, texts []events.NoticeText, known func(string) (known, link bool)) {
	if len(texts) == 0 || len(texts) > maxTexts {
		bad.add("texts", "It needs a text in 1 to %d languages.", maxTexts)
		return
	}
	seen := map[string]bool{}
	for i, t := range texts {
		at := func(field string) string { return fmt.Sprintf("texts[%d].%s", i, field) }
		if !validLanguage(t.Language) || seen[t.Language] {
			bad.add(at("language"), "A language is a tag such as en or pt-br, in lower case, and there once.")
		}
		seen[t.Language] = true
		if t.Subject == "" || len(t.Subject) > maxSubject || line(t.Subject, maxSubject) != t.Subject {
			bad.add(at("subject"), "The subject needs one line of at most %d characters.", maxSubject)
		}
		if strings.TrimSpace(t.Text) == "" || len(t.Text) > maxText || len(t.HTML) > maxText {
			bad.add(at("text"), "The text is empty or longer than %d KB.", maxText>>10)
		}
		if kind == events.OutboundAdministrative {
			if word := offer(t.Subject, t.Text, t.HTML); word != "" {
				bad.add(at("text"), "An administrative notice sells nothing, and %q does. Write a promotional one, for those who agreed.", word)
			}
		}
		used := map[string]bool{}
		for field, source := range map[string]string{"subject": t.Subject, "text": t.Text, "html": t.HTML} {
			parts, err := parse(source)
			if err == nil {
				err = checkNames(parts, field, kind, known, used)
			}
			if err == nil && field == "html" {
				err = checkHTML(parts, func(name string) bool { _, link := known(name); return link })
			}
			if err != nil {
				bad.add(at(field), "%s.", sentence(err))
			}
		}
		if kind == events.OutboundPromotional && !used[valueUnsubscribe] {
			bad.add(at("text"), "A promotional notice says how to end them: {{unsubscribe}}.")
		}
	}
}

func checkNames(t template, field string, kind events.OutboundKind, known func(string) (bool, bool), used map[string]bool) error {
	for _, p := range t {
		if strings.Contains(p.text, mark) {
			return fmt.Errorf("the word %s is used inside the hub", mark)
		}
		if p.name == "" {
			continue
		}
		ok, link := known(p.name)
		switch {
		case !ok:
			return fmt.Errorf("there is no value called {{%s}}", p.name)
		case link && field == "subject":
			return fmt.Errorf("{{%s}} is a link and has no place in a subject", p.name)
		case p.name == valueUnsubscribe && kind == events.OutboundAdministrative:
			return fmt.Errorf("nobody can unsubscribe from administrative notices; leave {{%s}} out", p.name)
		case p.name == valueName && !p.optional:
			return fmt.Errorf("not everybody has a name: write {{name|what to say instead}}")
		}
		if field == "text" {
			used[p.name] = true
		}
	}
	return nil
}

// checkMissing renders every text for every name it may go out in, for a reader
// without a name.
func (n *Notices) checkMissing(bad complaints, d Draft) {
	for _, s := range n.sendersOf(d.Mailbox) {
		v := n.values(d, s, events.SubjectID("0"), "0", "", n.now())
		for i, t := range d.Texts {
			for field, source := range map[string]string{"subject": t.Subject, "text": t.Text, "html": t.HTML} {
				parts, _ := parse(source) // checked before
				if missing := parts.missing(v); len(missing) > 0 {
					bad.add(fmt.Sprintf("texts[%d].%s", i, field), "{{%s}} has no value for mailbox %s: configure it, or give a fallback.", missing[0], s.ID)
				}
			}
		}
	}
}

func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}
