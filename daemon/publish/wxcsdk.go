package publish

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"webex-tokend/daemon/refresh"
)

// renderWxcSDK writes the YAML that wxc_sdk reads tokens from, as its own
// get_cached_tokens_from_yml would find it, less what would make it act by
// itself: without a refresh token it cannot refresh, without expires_in its
// service app example does not try. Its rules, from wxc_sdk/tokens.py:
//
//	token_type    exactly Bearer, or the file is ignored and a browser opens
//	expires_at    with a zone, or it raises TypeError; absent means expired
//	all strings   quoted: YAML makes a number of a token that has digits alone
func renderWxcSDK(token string, current refresh.Current) []byte {
	at := current.ExpiresAt
	if at.IsZero() {
		// A token that is not known to end ends late enough for a reader that
		// insists on a time.
		at = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
	}
	kind := cmp.Or(current.Type, "Bearer")
	if strings.EqualFold(kind, "Bearer") {
		kind = "Bearer"
	}
	var b strings.Builder
	for _, line := range [][2]string{
		{"access_token", token},
		{"expires_at", at.UTC().Format(time.RFC3339Nano)},
		{"scope", current.Scope},
		{"token_type", kind},
	} {
		// A string of JSON is one of YAML too.
		quoted, _ := json.Marshal(line[1])
		fmt.Fprintf(&b, "%s: %s\n", line[0], quoted)
	}
	return []byte(b.String())
}
