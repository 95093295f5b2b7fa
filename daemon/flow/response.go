package flow

import (
	"encoding/json"
	"errors"
	"time"

	"go.yaml.in/yaml/v3"

	"webex-tokend/daemon/provider"
)

// parseResponse reads a token response or a file that keeps one. Beside the
// members that a token endpoint sends, files have instants:
//
//	expires_at    refresh_token_expires_at   wxc_sdk, RFC 3339
//	expires       refresh_token_expires      Webex JavaScript SDK, milliseconds since 1970;
//	                                         webex-token-keeper, ISO 8601 without a zone
//	issued_at                                when the response came
func parseResponse(text string) (Import, error) {
	o, err := members(text)
	if err != nil {
		return Import{}, err
	}
	return complete(o)
}

func parseRefresh(text string) (Import, error) {
	o, err := members(text)
	if err != nil {
		return Import{}, err
	}
	return refreshOnly(o)
}

// refreshOnly wants no more than a refresh token.
func refreshOnly(o provider.Object) (Import, error) {
	i := read(o)
	if i.Refresh.Empty() {
		return Import{}, errors.New("has no refresh_token")
	}
	return i, nil
}

// complete insists on an access token: a response without one is either no
// response or not the whole of it.
func complete(o provider.Object) (Import, error) {
	i := read(o)
	switch {
	case !i.Access.Empty():
		return i, nil
	case o.IsError():
		return Import{}, errors.New("is an error answer, not a token response")
	case o.Has("access_token"):
		return Import{}, errors.New("has an access_token of no use")
	case i.Refresh.Empty():
		return Import{}, errors.New("has neither access_token nor refresh_token")
	}
	return Import{}, errors.New("has no access_token; format refresh-token takes the refresh token alone")
}

func read(o provider.Object) Import {
	i := Import{Answer: o.Answer(longestLife)}
	i.AccessEnd = i.instant(o, "expires_at", "expires")
	i.RefreshEnd = i.instant(o, "refresh_token_expires_at", "refresh_token_expires")
	i.IssuedAt = i.instant(o, "issued_at")
	if i.AccessEnd.IsZero() {
		i.AccessEnd = provider.TokenEnd(i.Access)
	}
	i.deriveIssue()
	return i
}

// instant returns the first of these members that is a point in time.
func (i *Import) instant(o provider.Object, names ...string) time.Time {
	for _, name := range names {
		if at, ok := o.Instant(name); ok {
			return at
		}
		if o.Has(name) {
			i.Notes = append(i.Notes, name+" is not a time")
		}
	}
	return time.Time{}
}

// deriveIssue finds the time of the response where the file holds both a life
// and the instant at which it ends.
func (i *Import) deriveIssue() {
	if i.IssuedAt.IsZero() && !i.AccessEnd.IsZero() && i.AccessLife > 0 {
		i.IssuedAt, i.derived = i.AccessEnd.Add(-i.AccessLife), true
	}
}

// members decodes JSON, or YAML where the text does not begin as JSON does.
func members(text string) (provider.Object, error) {
	if opens(text, "{") {
		return decodeJSON(text)
	}
	return decodeYAML(text)
}

func decodeJSON(text string) (provider.Object, error) {
	o, err := provider.ReadObject([]byte(text))
	switch {
	case errors.Is(err, provider.ErrCutShort):
		return o, errors.New("is cut short: the JSON object does not end")
	case err != nil:
		return o, errors.New("is not a sound JSON object")
	}
	return o, nil
}

// decodeYAML takes scalars as they are written, for YAML would make a number
// of a token that has digits alone, and a date of a time without its zone.
// The decoder's own errors quote the text and are not passed on.
func decodeYAML(text string) (provider.Object, error) {
	var nodes map[string]yaml.Node
	if yaml.Unmarshal([]byte(text), &nodes) != nil || len(nodes) == 0 {
		return provider.Object{}, errors.New("is neither a JSON object nor a YAML mapping")
	}
	texts := make(map[string]string)
	for name, n := range nodes {
		if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			texts[name] = n.Value
		}
	}
	encoded, err := json.Marshal(texts)
	if err != nil {
		return provider.Object{}, errors.New("is not a sound YAML mapping")
	}
	return decodeJSON(string(encoded))
}
