package provider

import (
	"encoding/base64"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
	"webex-tokend/store"
)

// TokenEnd reads the end of an access token out of the token itself. The
// self-contained ones of Webex are JWTs with expiry_time in milliseconds since
// the epoch; others have exp in seconds, RFC 7519. Opaque tokens give zero.
// The signature is not looked at: the token is ours, and nothing is granted
// on the strength of it.
func TokenEnd(access store.Secret) time.Time {
	parts := strings.Split(access.Reveal(), ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	o, err := answer.ReadObject(payload)
	if err != nil {
		return time.Time{}
	}
	for _, name := range []string{"expiry_time", "exp"} {
		if end, ok := o.Instant(name); ok {
			return end
		}
	}
	return time.Time{}
}
