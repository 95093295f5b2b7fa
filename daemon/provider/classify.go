package provider

import (
	"net/http"
	"slices"
	"strings"
)

// classify sorts a refusal by what to do next; client is true when another
// client secret may help.
//
// Two mistakes are dear: to give up a grant for a fault that passes, and to
// blame every grant for a fault of the client, or the client for that of one
// grant. So Rejected and Misconfigured need explicit words; all else is
// Transient, which at worst means to ask again.
func classify(status int, r refusal, d dialect) (kind Kind, client bool) {
	code := strings.ToLower(strings.TrimSpace(r.code))
	if code == CodeTokenLimit || d.gateway && slices.ContainsFunc(r.prose, namesTokenLimit) {
		return Exhausted, false
	}
	switch {
	case status == http.StatusTooManyRequests:
		return Limited, false
	case status >= 500 || slices.Contains(passing(), status):
		// Whatever the body says, the status says that it was no verdict.
		return Transient, false
	}
	token, identity := slices.ContainsFunc(r.prose, refusesToken), slices.ContainsFunc(r.prose, refusesClient)
	switch code {
	case "invalid_grant":
		if d.gateway && identity && !token {
			return Misconfigured, true
		}
		return Rejected, false
	case "invalid_client":
		return Misconfigured, true
	case "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return Misconfigured, false
	case "interaction_required", "consent_required", "login_required":
		// Microsoft's codes for a person who has to sign in again.
		return Rejected, false
	case "temporarily_unavailable", "server_error", "slow_down", "authorization_pending", "access_denied", "expired_token":
		return Transient, false
	}
	// No code decides. The broker says invalid_request of a dead refresh token,
	// as dex does, the gateway has no code at all, and others have codes of
	// their own, which may be words as well: bad_refresh_token of GitHub.
	if words := strings.ReplaceAll(code, "_", " "); refusesToken(words) {
		token = true
	}
	switch {
	case token && identity: // which of the two cannot be told
	case token:
		return Rejected, false
	case identity:
		return Misconfigured, true
	case code == "" && status == http.StatusUnauthorized:
		return d.unauthorized, d.unauthorized == Misconfigured
	}
	return Transient, false
}

// passing lists the 4xx that speak of the moment, not of the request.
func passing() []int {
	return []int{
		http.StatusRequestTimeout, http.StatusLocked, http.StatusTooEarly, http.StatusPreconditionRequired,
	}
}

// namesTokenLimit finds the one code that the gateway puts into its prose.
func namesTokenLimit(text string) bool { return strings.Contains(text, CodeTokenLimit) }

// refusesToken reports that a text calls the refresh token bad, such as "The
// refresh token provided is expired, revoked, malformed, or invalid.", the
// broker's words of a dead one.
func refusesToken(text string) bool {
	return mentions(text, "refresh token", "refresh_token", "refreshtoken") && condemns(text)
}

// refusesClient does the same for the client, such as "Client Id is invalid",
// "The provided clientSecret is invalid" and "Invalid client credentials",
// all documented by Webex.
func refusesClient(text string) bool {
	return mentions(text, "client authentication failed") ||
		mentions(text, "client id", "client_id", "clientid", "client secret", "client_secret", "clientsecret",
			"client credentials") && condemns(text)
}

// condemns looks for a verdict. Words of a passing trouble, or of a parameter
// that did not arrive, take it back: they speak of the request.
func condemns(text string) bool {
	return mentions(text, "invalid", "expired", "bad ", "already been used", "already used", "reuse", "does not exist", "doesn't exist", "already been claimed", "has been used", "revoked", "malformed", "incorrect", "wrong",
		"mismatch", "unknown", "not found", "not valid", "not recognized", "disabled", "deleted") &&
		!mentions(text, "temporar", "try again", "retry", "unavailable", "timed out", "timeout", "internal",
			"missing", "required", "could not", "unable", "unknown error")
}

func mentions(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}
