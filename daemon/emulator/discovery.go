package emulator

import "net/http"

// discovery names what there is. There are no ID tokens, hence no keys.
type discovery struct {
	Issuer         string   `json:"issuer"`
	Authorize      string   `json:"authorization_endpoint"`
	Token          string   `json:"token_endpoint"`
	Device         string   `json:"device_authorization_endpoint"`
	Revoke         string   `json:"revocation_endpoint"`
	ResponseTypes  []string `json:"response_types_supported"`
	GrantTypes     []string `json:"grant_types_supported"`
	Authentication []string `json:"token_endpoint_auth_methods_supported"`
	Challenges     []string `json:"code_challenge_methods_supported"`
	IssuerAnswered bool     `json:"authorization_response_iss_parameter_supported,omitempty"`
}

func (e *Emulator) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	base := e.issuer.cfg.base(r)
	d := discovery{
		Issuer:         base + "/idb",
		Authorize:      base + AuthorizePath,
		Token:          base + TokenPath,
		Device:         base + DeviceAuthorizePath,
		Revoke:         base + RevokePath,
		ResponseTypes:  []string{"code"},
		GrantTypes:     []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"},
		Authentication: []string{"client_secret_basic", "client_secret_post"},
		Challenges:     []string{"plain", "S256"},
		IssuerAnswered: e.issuer.cfg.Issuer != "",
	}
	if e.issuer.cfg.Issuer != "" {
		d.Issuer = e.issuer.cfg.Issuer
	}
	answer(w, http.StatusOK, d)
}

// base is the URL under which the client sees the server.
func (c Config) base(r *http.Request) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	return "http://" + r.Host
}
