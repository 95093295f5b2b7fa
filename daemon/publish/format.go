package publish

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/wire"
)

// Render returns the content of a file for a token, an error when the format
// cannot carry it. Every format but template ends in a newline. It is a pure
// function:
//
//	raw       the bare token, as Alertmanager's credentials_file reads it
//	json      the object of the API's token route without expires_in, which
//	          would be wrong a second later
//	env       VARIABLE=token, for EnvironmentFile= of systemd, dotenv and sh
//	header    Authorization: Bearer token, for curl -H @FILE
//	wxc-sdk   the token file of the Python library wxc_sdk
//	xml       the security context of a request to the Meetings XML API
//	template  what the operator wrote
//	meta      no token: generation, expires_at, state
func Render(f config.File, labels map[string]string, current refresh.Current) ([]byte, error) {
	token := current.Access.Reveal()
	if i := strings.IndexFunc(token, unprintable); i >= 0 {
		// It would end the line, or mean another thing to every reader.
		return nil, fmt.Errorf("access token has a blank or unprintable character at byte %d", i)
	}
	switch f.Format {
	case "raw":
		return []byte(token + "\n"), nil
	case "json":
		return renderJSON(token, current)
	case "env":
		value, err := QuoteEnv(token)
		return []byte(f.Variable + "=" + value + "\n"), err
	case "header":
		// Meetings sends "bearer", which not every server takes back.
		return []byte("Authorization: Bearer " + token + "\n"), nil
	case "wxc-sdk":
		return renderWxcSDK(token, current), nil
	case "xml":
		return renderXML(token, current)
	case "template":
		return f.Execute(config.Fill{
			Grant:       current.Grant,
			AccessToken: token,
			TokenType:   config.Name(current.Type),
			ExpiresAt:   config.Instant{Time: current.ExpiresAt},
			Generation:  current.Generation,
			Scope:       config.Words(current.Scope),
			Labels:      labels,
			Site:        config.Name(current.Site),
			User:        config.Name(current.User),
		})
	case "meta":
		return renderMeta(current)
	}
	return nil, fmt.Errorf("file format %q is not known", f.Format)
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

func renderJSON(token string, current refresh.Current) ([]byte, error) {
	t := wire.Token{
		AccessToken: token,
		TokenType:   current.Type,
		Generation:  current.Generation,
		Scope:       current.Scope,
		ExpiresAt:   expiry(current),
	}
	content, err := json.Marshal(t)
	return append(content, '\n'), err
}

// expiry is nil for a token that is not known to end.
func expiry(current refresh.Current) *time.Time {
	if current.ExpiresAt.IsZero() {
		return nil
	}
	at := current.ExpiresAt.UTC()
	return &at
}

// QuoteEnv returns the token such that systemd, the dotenv libraries and sh
// read the same value. They agree on the characters of RFC 6750's b64token
// without quotes, and on single quotes around anything but a quote or a
// backslash; one that has these is an error.
func QuoteEnv(token string) (string, error) {
	switch {
	case !strings.ContainsFunc(token, func(r rune) bool { return !plainInEnv(r) }):
		return token, nil
	case strings.ContainsAny(token, `'\`):
		return "", fmt.Errorf("access token has a quote or a backslash, on which readers of env files disagree")
	}
	return "'" + token + "'", nil
}

func plainInEnv(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~+/=", r)
}
