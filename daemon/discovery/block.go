package discovery

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// A Block has the settings that the metadata of a server lacks.
type Block struct {
	Name        string
	ClientID    string
	SecretFile  string // empty: a public client
	RedirectURL string
}

// Write returns an integration block for a server, ready but for the client, and
// what in its metadata stands against keeping grants of it.
func (b Block) Write(m Metadata) (text []byte, warnings []string) {
	file := hclwrite.NewEmptyFile()
	in := file.Body().AppendNewBlock("integration", []string{b.Name}).Body()
	set := func(key, value string) {
		if value != "" {
			in.SetAttributeValue(key, cty.StringVal(value))
		}
	}
	set("kind", "generic")
	set("client_id", b.ClientID)
	if !m.public() {
		set("client_secret_file", b.SecretFile)
	}
	if scopes := m.scopes(); len(scopes) > 0 {
		in.SetAttributeValue("scopes", texts(scopes))
	}
	set("redirect_url", b.RedirectURL)
	for _, e := range []struct{ key, url string }{
		{"authorize_url", m.Authorize}, {"token_url", m.Token}, {"device_authorize_url", m.Device}, {"revoke_url", m.Revoke},
	} {
		switch {
		case isEndpoint(e.url):
			set(e.key, e.url)
		case e.url != "":
			warnings = append(warnings, e.key+" is left out: the server names no URL for it")
		}
	}
	// With issuer set, a redirect that does not name it is refused: RFC 9207.
	if isEndpoint(m.Issuer) && m.NamesIssuer {
		set("issuer", m.Issuer)
	}
	set("auth_style", m.style())
	switch {
	case slices.Contains(m.PKCE, "S256") || len(m.PKCE) == 0:
		set("pkce", "S256")
	case slices.Contains(m.PKCE, "plain"):
		set("pkce", "plain")
	default:
		set("pkce", "none")
	}
	if params := m.params(); len(params) > 0 {
		values := make(map[string]cty.Value)
		for name, value := range params {
			values[name] = cty.StringVal(value)
		}
		in.SetAttributeValue("authorize_params", cty.ObjectVal(values))
	}
	return hclwrite.Format(file.Bytes()), append(warnings, m.warnings()...)
}

func texts(list []string) cty.Value {
	values := make([]cty.Value, len(list))
	for i, text := range list {
		values[i] = cty.StringVal(text)
	}
	return cty.ListVal(values)
}

// public reports that the token endpoint takes clients without a secret alone.
func (m Metadata) public() bool { return len(m.Auth) == 1 && m.Auth[0] == "none" }

// style is how the client proves itself; client_secret_basic where the server
// does not say, as RFC 8414 has it.
func (m Metadata) style() string {
	if slices.Contains(m.Auth, "client_secret_post") && !slices.Contains(m.Auth, "client_secret_basic") || m.public() {
		return "body"
	}
	return "basic"
}

// google is the one server that has a parameter of its own in the place of the
// scope offline_access.
func (m Metadata) google() bool {
	return strings.TrimSuffix(m.Issuer, "/") == "https://accounts.google.com"
}

func (m Metadata) scopes() []string {
	var list []string
	for _, s := range []string{"openid", "offline_access"} {
		if slices.Contains(m.Scopes, s) {
			list = append(list, s)
		}
	}
	return list
}

// params are what makes the server give a refresh token.
func (m Metadata) params() map[string]string {
	params := make(map[string]string)
	switch {
	case m.google():
		maps.Copy(params, map[string]string{"access_type": "offline", "prompt": "consent"})
	case slices.Contains(m.Scopes, "offline_access"):
		params["prompt"] = "consent"
	}
	return params
}

func (m Metadata) warnings() []string {
	var list []string
	if len(m.Grants) > 0 && !slices.Contains(m.Grants, "refresh_token") {
		list = append(list, fmt.Sprintf("the server names no grant type refresh_token, but %s", strings.Join(m.Grants, " ")))
	}
	known := []string{"client_secret_basic", "client_secret_post", "none"}
	if len(m.Auth) > 0 && !slices.ContainsFunc(m.Auth, func(s string) bool { return slices.Contains(known, s) }) {
		list = append(list, fmt.Sprintf("the server wants clients to prove themselves by %s, of which none is known here", strings.Join(m.Auth, " ")))
	}
	if m.Authorize == "" && m.Device == "" {
		list = append(list, "the server names no page for a consent: only import brings a grant")
	}
	return list
}
