package mail

import (
	"strings"

	"github.com/emersion/go-msgauth/authres"
	"golang.org/x/net/publicsuffix"
)

// AuthResults is what our own mail server found out about the sender (RFC 8601),
// taken from the topmost Authentication-Results field that carries one of our
// authentication service identifiers (I36). Everything else in the mail that
// claims to be a result is ignored: anybody can write it.
type AuthResults struct {
	// Present says that such a field was found. Missing is not failed.
	Present bool
	// SPF and DMARC are result words ("pass", "fail", "none", …), "" when the
	// method was not reported.
	SPF, DMARC string
	// SPFDomain is the domain SPF looked at.
	SPFDomain string
	// DKIM holds one entry per signature.
	DKIM []DKIMResult
	// Aligned says that DMARC passed for the author's domain, or, where DMARC was
	// not reported, that SPF or DKIM passed for the same organisational domain
	// (RFC 7489 section 3.1, relaxed).
	Aligned bool
}

// DKIMResult is the verdict about one signature.
type DKIMResult struct {
	Result, Domain string
}

func readAuth(h Header, ids []string, from []Address) AuthResults {
	var out AuthResults
	for _, v := range h.Raw("Authentication-Results") {
		if !ownAuthServ(v, ids) {
			continue
		}
		_, results, err := authres.Parse(string(stripComments([]byte(v))))
		if err != nil {
			return out
		}
		out.Present = true
		out.fill(results, from)
		return out
	}
	return out
}

// ownAuthServ reports whether a field names one of our servers. The identifier
// is the first word; a version number may follow it.
func ownAuthServ(v string, ids []string) bool {
	id, _, _ := strings.Cut(string(stripComments([]byte(v))), ";")
	f := strings.Fields(id)
	if len(f) == 0 {
		return false
	}
	for _, own := range ids {
		if own != "" && strings.EqualFold(f[0], own) {
			return true
		}
	}
	return false
}

func (a *AuthResults) fill(results []authres.Result, from []Address) {
	domain := ""
	if len(from) > 0 {
		domain = from[0].Domain()
	}
	dmarcFrom, soft := "", false
	for _, r := range results {
		switch r := r.(type) {
		case *authres.SPFResult:
			a.SPF = strings.ToLower(string(r.Value))
			_, d := splitAddress(r.From)
			if d == "" {
				d = r.From
			}
			a.SPFDomain = asciiDomain(d)
			soft = soft || a.SPF == authres.ResultPass && sameOrg(a.SPFDomain, domain)
		case *authres.DKIMResult:
			d := r.Domain
			if d == "" {
				_, d = splitAddress(r.Identifier)
			}
			k := DKIMResult{Result: strings.ToLower(string(r.Value)), Domain: asciiDomain(d)}
			a.DKIM = append(a.DKIM, k)
			soft = soft || k.Result == authres.ResultPass && sameOrg(k.Domain, domain)
		case *authres.DMARCResult:
			a.DMARC = strings.ToLower(string(r.Value))
			dmarcFrom = asciiDomain(r.From)
		}
	}
	if domain == "" {
		return
	}
	if a.DMARC != "" && a.DMARC != "none" {
		// With several authors only a result that names the domain counts.
		a.Aligned = a.DMARC == authres.ResultPass && (dmarcFrom == domain || dmarcFrom == "" && len(from) == 1)
		return
	}
	a.Aligned = soft && len(from) == 1
}

// sameOrg compares organisational domains by the public suffix list.
func sameOrg(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if a == b {
		return true
	}
	oa, err1 := publicsuffix.EffectiveTLDPlusOne(a)
	ob, err2 := publicsuffix.EffectiveTLDPlusOne(b)
	return err1 == nil && err2 == nil && oa == ob
}
