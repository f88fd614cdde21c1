package notices

import (
	"strings"
	"unicode"

	"github.com/westshore/hub/events"
)

// common are words that are frequent in one language and rare in the others. They
// are enough to tell which language a person writes to us in.
var common = map[string][]string{
	"en": strings.Fields("the and is of to you that have with this for not are was please would from your hello thanks"),
	"de": strings.Fields("der die das und ist nicht ich sie mit auf ein eine für wir haben bitte danke hallo kann werden"),
	"fr": strings.Fields("le la les des est vous je pour dans une pas avec nous bonjour merci que sur mon votre être"),
	"es": strings.Fields("el los las que es por para una con no está hola gracias mi usted pero muy como tengo del"),
	"it": strings.Fields("il che di non per una sono con è gli della mi grazie ciao buongiorno ho questo anche nel vostro"),
	"nl": strings.Fields("het een van en niet ik dat voor met zijn op aan wij bedankt hallo kunt graag maar heb uw"),
	"pt": strings.Fields("que não para uma com os por mais você obrigado olá meu está em ao como mas foi tenho do"),
	"pl": strings.Fields("nie jest na się że do proszę dzień dobry dziękuję mam czy jak po za ale przez był moje dla"),
}

// Guess names the language of a text, or nothing where it is too short or mixed
// to tell.
func Guess(text string) string {
	const enough, most = 3, 600
	score := map[string]int{}
	n := 0
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		if n++; n > most {
			break
		}
		for lang, words := range common {
			for _, w := range words {
				if w == word {
					score[lang]++
				}
			}
		}
	}
	best, second := "", ""
	for lang := range common {
		switch {
		case best == "" || score[lang] > score[best]:
			best, second = lang, best
		case second == "" || score[lang] > score[second]:
			second = lang
		}
	}
	if score[best] < enough || score[best]*2 < score[second]*3 {
		return ""
	}
	return best
}

// choose picks the text for a language: the same tag, the same language of another
// region, else the first.
func choose(texts []events.NoticeText, lang string) events.NoticeText {
	lang = strings.ToLower(lang)
	base, _, _ := strings.Cut(lang, "-")
	pick := -1
	for i, t := range texts {
		of, _, _ := strings.Cut(t.Language, "-")
		switch {
		case t.Language == lang:
			return t
		case base != "" && of == base && (pick < 0 || t.Language == base):
			pick = i
		}
	}
	return texts[max(pick, 0)]
}

func validLanguage(s string) bool {
	return len(s) >= 2 && len(s) <= 12 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && s[0] != '-' && s[len(s)-1] != '-'
}
