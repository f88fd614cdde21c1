package notices

import "strings"

// selling are words of offers, in the languages notices are written in here. An
// administrative notice goes to people who never agreed to be sold to, so it may
// hold none of them (policy clauses 2.2 and 2.3).
var selling = []string{
	"% off", "discount", "special offer", "limited offer", "limited time", "buy now", "order now", "shop now", "save up to", "free trial",
	"promo code", "coupon", "voucher code", "flash sale", "sale ends", "black friday", "refer a friend", "upgrade now", "subscribe to our newsletter",
	"rabatt", "gutschein", "sonderangebot", "jetzt kaufen", "jetzt bestellen", "nur für kurze zeit", "newsletter abonnieren",
	"offre spéciale", "code promo", "remise de", "achetez maintenant", "profitez de",
	"oferta especial", "descuento", "cupón", "compra ahora", "desconto", "compre agora",
	"offerta speciale", "sconto", "acquista ora", "korting", "koop nu", "aanbieding", "zniżka", "kup teraz", "promocja",
}

// offer finds the first word of an offer in a text; empty when there is none.
func offer(texts ...string) string {
	for _, t := range texts {
		low := strings.Join(strings.Fields(strings.ToLower(t)), " ")
		for _, w := range selling {
			if strings.Contains(low, w) {
				return w
			}
		}
	}
	return ""
}
