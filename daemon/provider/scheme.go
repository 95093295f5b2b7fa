package provider

import (
	"slices"
	"strings"
)

// bearer is the one name under which a token type is kept and published.
const bearer = "Bearer"

// tokenType brings a token type into one form. Servers call bearer tokens many
// names: bot and user (Slack), BearerToken (Apigee), jwt-bearer, access_token.
// All that is no scheme of its own is a bearer token.
func tokenType(sent string) string {
	name := strings.ToLower(strings.TrimSpace(sent))
	switch {
	case name == "":
		return ""
	case slices.Contains([]string{"mac", "dpop", "pop", "pop_token", "hawk", "hmac", "signature", "basic", "digest", "negotiate", "ssh-cert", "shr"}, name):
		return strings.TrimSpace(sent)
	}
	return bearer
}

// OtherScheme reports that an access token is none that its mere possession
// proves: requests with it have to be signed.
func (a Answer) OtherScheme() bool { return a.TokenType != "" && a.TokenType != bearer }
