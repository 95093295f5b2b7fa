package provider

import (
	"net/url"
	"strings"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// meetings is the dialect of the XML API's integrations on api.webex.com. Its
// answers have a lower-case "bearer" and no refresh_token_expires_in.
func meetings() dialect {
	return dialect{form: meetingsForm, gateway: true, unauthorized: Transient}
}

// meetingsForm sends redirect_uri and code_verifier on refresh too, as Cisco's
// parameter table has it and the Splunk add-on does in the field.
//
// The documentation says that a refresh token "should be prepended" with the
// site's name and an underscore, which may describe the token or demand an
// act. As received is known to work, so the prefix is the operator's choice.
func meetingsForm(in *config.Integration, r Request) url.Values {
	if site := in.Site + "_"; in.PrefixSite && in.Site != "" && !strings.HasPrefix(r.Token.Reveal(), site) {
		r.Token = store.NewSecret(site + r.Token.Reveal())
	}
	form := standardForm(in, r)
	if r.RedirectURI != "" {
		form.Set("redirect_uri", r.RedirectURI)
	}
	if !r.CodeVerifier.Empty() {
		form.Set("code_verifier", r.CodeVerifier.Reveal())
	}
	return form
}
