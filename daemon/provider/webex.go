package provider

// webex is the dialect of integrations on webexapis.com and of its FedRAMP
// twin. The gateway answers errors without an OAuth code, in a shape of its
// own, and the identity broker behind it reports a dead refresh token as
// invalid_request; so the text has to be read.
//
// A bare 401 is no evidence of a refused client: Cisco's own manager for
// service apps meets it when the refresh token has died. One dead grant must
// not stand for its whole integration.
func webex() dialect {
	return dialect{form: standardForm, gateway: true, unauthorized: Transient}
}
