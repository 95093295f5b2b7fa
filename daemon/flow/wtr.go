package flow

import (
	"errors"

	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// isWtr reports that a text has the members of .wtr-cli.json.
func isWtr(text string) bool {
	o, err := members(text)
	return err == nil && !o.Has("access_token") && o.Has("token") && o.Has("refresh_token")
}

// parseWtr reads .wtr-cli.json of the Webex Token Retriever:
//
//	{"clientid":"...","secret":"...","scopes":"...","redirectPort":"...",
//	 "token":"...","refresh_token":"...","expiration":1767312000,"refresh_expiration":1775088000}
//
// Expirations are in seconds since 1970. The client's secret is left where it is.
func parseWtr(text string) (Import, error) {
	o, err := members(text)
	if err != nil {
		return Import{}, err
	}
	i := Import{Answer: o.Answer(longestLife)}
	token, _ := o.Text("token")
	if token == "" {
		return Import{}, errors.New("has no token")
	}
	if err := checkBare(token); err != nil {
		return Import{}, errors.New("has a token of no use")
	}
	i.Access = store.NewSecret(token)
	i.Scope = o.Line("scopes", MaxSize)
	i.AccessEnd = i.instant(o, "expiration")
	i.RefreshEnd = i.instant(o, "refresh_expiration")
	if i.AccessEnd.IsZero() {
		i.AccessEnd = provider.TokenEnd(i.Access)
	}
	return i, nil
}
