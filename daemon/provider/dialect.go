package provider

import (
	"net/url"

	"webex-tokend/daemon/config"
)

// A dialect holds what differs between the kinds of integrations.
type dialect struct {
	// form returns the parameters of a refresh without those of the client.
	form func(*config.Integration, Request) url.Values
	// gateway: a gateway that has no codes may stand before the server, so that
	// words count for more than a code.
	gateway bool
	// unauthorized is the meaning of a 401 without code and reason.
	unauthorized Kind
}

// dialectOf is the place where another kind joins. Static tokens have no
// request and hence no dialect.
func dialectOf(kind config.Kind) (d dialect, ok bool) {
	switch kind {
	case config.REST, config.ServiceApp:
		return webex(), true
	case config.Meetings:
		return meetings(), true
	case config.Generic:
		return generic(), true
	}
	return dialect{}, false
}
