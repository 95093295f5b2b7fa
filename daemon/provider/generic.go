package provider

import (
	"net/url"

	"webex-tokend/daemon/config"
)

// generic is any server after RFC 6749. Its codes decide where they are those of
// the RFC, and section 5.2 gives a 401 one meaning: the client failed to
// authenticate.
func generic() dialect {
	return dialect{form: standardForm, unauthorized: Misconfigured}
}

// standardForm is RFC 6749 section 6. The scope is left out: it could only
// narrow what was granted.
func standardForm(_ *config.Integration, r Request) url.Values {
	return url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {r.Token.Reveal()},
	}
}
