package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/westshore/hub/events"
)

// level is the least that a caller must be.
type level int

const (
	undeclared level = iota // nobody may
	visitor                 // no account is needed
	member                  // any account
	office                  // the privacy office, and administrators
	head                    // administrators
)

// levels is who may do what: one row for each operation. An operation without a row
// is refused to everybody. Handlers may ask for more, never for less.
var levels = map[string]level{
	"log-in": visitor, "get-session": member, "log-out": member, "listen": member, "get-system": member,
	"list-agents": member, "add-agent": head, "deactivate-agent": head,
	"set-password": member, // one's own; the handler wants an administrator for another's
	"list-tokens":  member, "create-token": member, "revoke-token": member,

	"list-tickets": member, "count-tickets": member, "get-ticket": member, "get-history": member, "get-customer": member,
	"get-body": member, "get-attachment": member, "get-raw": member,
	"reply": member, "note": member, "assign": member, "resolve": member, "reopen": member, "set-priority": member, "tag": member, "recall": member,
	"redact-message": office,

	"list-quarantine": member, "get-quarantined-raw": member, "release": member, "discard": member, "retry-quarantined": member,
	"list-mailboxes": member, "list-reconciliations": member, "reconcile": head, "connect-mailbox": head, "finish-connecting": head,

	"list-outbox": member, "outbox-health": member, "get-outbound-raw": member, "retry-delivery": member, "cancel-delivery": member,
	"resolve-delivery": member, "redirect-delivery": member, "list-suppressed": member, "suppress": member, "unsuppress": member,

	"list-notices": member, "get-notice": member, "list-notice-recipients": member, "draft-notice": member, "revise-notice": member,
	"preview-notice": member, "preview-draft": member, "pause-notice": member, "cancel-notice": member,
	"approve-notice": head, "start-notice": head, "resume-notice": head,
	"list-templates": member, "get-template": member, "write-template": member, "rewrite-template": member, "retire-template": member,

	"get-registry": office, "publish-policy": office, "list-processors": office, "register-processor": office, "suspend-processor": office, "get-ropa": office,
	"get-schedule": office, "try-schedule": office, "change-schedule": office, "get-preview": office, "list-sweeps": office, "sweep": office,
	"list-approvals": office, "approve-sweep": office, "accept-clock": office,

	"list-privacy-requests": office, "get-privacy-requests": office, "add-privacy-request": office, "privacy-request-verify": office,
	"privacy-request-doubt": office, "privacy-request-extend": office, "privacy-request-refuse": office, "privacy-request-withdraw": office,
	"privacy-request-export": office, "privacy-request-rectify": office, "privacy-request-restrict": office, "privacy-request-lift": office,
	"privacy-request-object": office, "privacy-request-decide": office, "privacy-request-confirm": office,
	"list-privacy-consents": member, // of one customer; the handler wants the office for all
	"privacy-consent-ask":   member, "privacy-consent-withdraw": member,

	"list-privacy-holds": office, "get-privacy-holds": office, "add-privacy-hold": office, "privacy-holds-extend": office,
	"privacy-holds-release": office, "privacy-holds-agree": office, "privacy-holds-decline": office, "get-privacy-matter": office,
	"list-privacy-disclosures": office, "get-privacy-disclosures": office, "add-privacy-disclosure": office, "privacy-disclosures-review": office,
	"privacy-disclosures-approve": office, "privacy-disclosures-seal": office, "privacy-disclosures-deliver": office, "list-privacy-recipients": office,
	"list-privacy-cases": office, "get-privacy-cases": office, "add-privacy-case": office, "privacy-cases-grant": office,
	"privacy-cases-extend": office, "privacy-cases-close": office,
	"privacy-cases-note": member, "privacy-cases-ask": member, "privacy-cases-read": member, // the case says who is let in
	"list-privacy-transfers": office, "get-privacy-transfers": office, "add-privacy-transfer": office, "expect-privacy-transfer": office,
	"privacy-transfers-complete": office, "privacy-transfers-shred": office,
	"list-privacy-erasures": office, "get-privacy-erasure": office, "preview-privacy-erasure": office, "get-privacy-certificate": office,
	"approve-privacy-erasure": office, "recheck-privacy-erasure": office, "acknowledge-privacy-erasure": office, "merge-customer": office, "unmerge-customer": office,
	"list-privacy-audit": office, "list-privacy-trail": office,
}

// personal are the operations that give somebody a way in. They want a person who
// signed in: a stolen token does not make itself at home.
var personal = map[string]bool{"create-token": true, "add-agent": true, "set-password": true}

// guard refuses whoever may not do an operation, before anything of the request is
// read.
func (a *API) guard(operation string) func(huma.Context, func(huma.Context)) {
	least := levels[operation]
	return func(ctx huma.Context, next func(huma.Context)) {
		who := CallerOf(ctx.Context())
		caller := who.Agent
		var sentence string
		switch {
		case least == undeclared:
			sentence = "Nobody may do this"
		case least >= member && caller.ID == "":
			sentence = "Only agents may do this"
		case least == head && caller.Role != events.RoleAdmin:
			sentence = "Only an administrator may do this"
		case least == office && caller.Role != events.RoleAdmin && caller.Role != events.RolePrivacy:
			sentence = "Only the privacy office may do this"
		case who.Bearer && personal[operation]:
			sentence = "A token may not do this: sign in"
		default:
			next(ctx)
			return
		}
		_ = huma.WriteErr(a.huma, ctx, http.StatusForbidden, sentence)
	}
}
