package mail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/westshore/hub/services/internal/mail"
)

// In each case the sign "¶" stands where the quote begins; without one nothing
// is folded (MAIL I42).
var quoteCases = map[string]string{
	"no quote":                  "Hello,\nplease help.\n",
	"english":                   "Thanks, works now.\n\n¶On Mon, 2 Mar 2026 at 10:11, Support <support@hub.test> wrote:\n> Did it help?\n>\n> Ann\n",
	"english over two lines":    "Thanks.\n\n¶On Mon, 2 Mar 2026 at 10:11, Support Team of the Hub\n<support@hub.test> wrote:\n\n> Did it help?\n",
	"german":                    "Danke!\n\n¶Am 02.03.2026 um 10:11 schrieb Support:\n> Hat es geholfen?\n",
	"german gmail":              "Danke!\n\n¶Am Mo., 2. März 2026 um 10:11 Uhr schrieb Support <support@hub.test>:\n\n> Hat es geholfen?\n",
	"french":                    "Merci.\n\n¶Le lun. 2 mars 2026 à 10:11, Support <support@hub.test> a écrit :\n> Bonjour\n",
	"spanish":                   "Gracias.\n\n¶El lun, 2 mar 2026 a las 10:11, Support (<support@hub.test>) escribió:\n> Hola\n",
	"italian":                   "Grazie.\n\n¶Il giorno lun 2 mar 2026 alle ore 10:11 Support <support@hub.test> ha scritto:\n> Ciao\n",
	"dutch":                     "Dank.\n\n¶Op ma 2 mrt 2026 om 10:11 schreef Support <support@hub.test>:\n> Hallo\n",
	"portuguese":                "Obrigado.\n\n¶Em seg., 2 de mar. de 2026 às 10:11, Support <support@hub.test> escreveu:\n> Oi\n",
	"polish":                    "Dzięki.\n\n¶W dniu 2.03.2026 o 10:11, Support pisze:\n> Cześć\n",
	"russian":                   "Спасибо.\n\n¶2 марта 2026, 10:11, Support <support@hub.test> пишет:\n> Привет\n",
	"chinese":                   "谢谢\n\n¶在 2026年3月2日，10:11，Support <support@hub.test> 写道：\n> 你好\n",
	"original message":          "See above.\n\n¶-----Original Message-----\nFrom: Support\nSent: Monday\n\nDid it help?\n",
	"german original message":   "Siehe oben.\n\n¶-----Ursprüngliche Nachricht-----\nVon: Support\n\nText\n",
	"outlook header block":      "It works.\n\n¶________________________________\nFrom: Support <support@hub.test>\nSent: Monday, March 2, 2026 10:11\nTo: Ann\nSubject: Re: Help\n\nDid it help?\n",
	"outlook bold header":       "It works.\n\n¶*From:* Support <support@hub.test>\n*Sent:* Monday\n*To:* Ann\n*Subject:* Help\n\nold\n",
	"german header block":       "Geht.\n\n¶Von: Support\nGesendet: Montag\nAn: Ann\nBetreff: Hilfe\n\nalt\n",
	"no mark, quote to the end": "New text\n\n¶> old one\n> old two\n",
	"answers in between":        "> Question one?\nAnswer one.\n> Question two?\nAnswer two.\n",
	"attribution with answers":  "On Mon, Support wrote:\n> Question one?\nAnswer one.\n> Question two?\nAnswer two.\n",
	"answers, then a tail":      "Hi,\n> Question?\nAnswer.\n¶> the rest\n> of it\n",
	"bottom posting":            "On Mon, Support wrote:\n> Question?\n\nHere is my answer.\n",
	"signature after quote":     "Top.\n\n¶On Mon, 2 Mar 2026, Support wrote:\n> old\n-- \nAnn\n",
	"outlook without marks":     "Top.\n\n¶On 2 Mar 2026, at 10:11, Support <support@hub.test> wrote:\n\nold text without marks\n",
	"forwarded":                 "Please see:\n\n---------- Forwarded message ---------\nFrom: Carl <carl@example.net>\nDate: Mon\nSubject: x\nTo: y\n\nthe matter itself\n",
	"apple forward":             "FYI\n\nBegin forwarded message:\n\nFrom: Carl\nSubject: x\nDate: y\n\ntext\n",
	"only a quote":              "> nothing new\n> at all\n",
	"prose with wrote":          "On Monday I wrote a letter.\nIt said: hello.\n",
	"prose with from":           "From: here on it is easy\nno header follows\n",
	"double attribution":        "a\n\n¶On Mon, A <a@b.example> wrote:\n> On Sun, B <b@c.example> wrote:\n>> deep\n> less\n",
	"empty":                     "",
	"yahoo":                     "Thanks.\n\n¶    On Monday, March 2, 2026 at 10:11:12 AM GMT+1, Support <support@hub.test> wrote:  \n \n Did it help?\n",
	"sent from a phone":         "Yes.\n\nSent from my iPhone\n\n¶> On 2 Mar 2026, at 10:11, Support <support@hub.test> wrote:\n> \n> Did it help?\n",
	"japanese gmail":            "はい。\n\n¶2026年3月2日(月) 10:11 Support <support@hub.test>:\n\n> こんにちは\n",
	"appointment":               "See you.\n\n¶-----Original Appointment-----\nFrom: Support\nSent: Monday\n\nTea\n",
	"french header block":       "Merci.\n\n¶De : Support <support@hub.test>\nEnvoyé : lundi\nÀ : Ann\nObjet : Aide\n\nancien\n",
	"swedish":                   "Tack.\n\n¶Den mån 2 mars 2026 kl 10:11 skrev Support <support@hub.test>:\n\n> Hej\n",
	"marks without space":       "ok\n\n¶On Mon, 2 Mar 2026, Support wrote:\n>old\n>>older\n",
	"code with a greater sign":  "Try this:\n> git pull\nand tell me.\n",
	"list of answers":           "1. yes\n2. no\n\n¶On Mon, 2 Mar 2026, Support <s@hub.test> wrote:\n> 1?\n> 2?\n",
	"attribution alone":         "ok\n\n¶On Mon, 2 Mar 2026 at 10:11, Support wrote:\n",
}

func TestQuoteFrom(t *testing.T) {
	for name, c := range quoteCases {
		t.Run(name, func(t *testing.T) {
			want := strings.Index(c, "¶")
			text := strings.Replace(c, "¶", "", 1)
			if got := mail.QuoteFrom(text); got != want {
				t.Errorf("offset %d, want %d", got, want)
				if got >= 0 {
					t.Logf("folded: %q", text[got:])
				}
			}
		})
	}
}

// The expressions and the scan are linear: the worst 64 KiB end soon.
func TestQuoteBombs(t *testing.T) {
	for name, s := range map[string]string{
		"attributions":  strings.Repeat("On Mon, A wrote\n", 10_000),
		"one long line": "On " + strings.Repeat("wrote ", 100_000) + ":",
		"from lines":    strings.Repeat("From: a\nTo: b\n", 10_000),
		"dashes":        strings.Repeat("-", 200_000),
		"quotes":        strings.Repeat("> a\nb\n", 20_000),
		"brackets":      strings.Repeat("On <a@b ", 20_000),
		"rules":         strings.Repeat("_____\n", 20_000),
	} {
		start := time.Now()
		mail.QuoteFrom(s)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s took %v", name, d)
		}
	}
}
