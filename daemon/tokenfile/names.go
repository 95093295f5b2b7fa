package tokenfile

import "strings"

// The members that count, by the names of RFC 6749 and of the Webex answers;
// instants and the time of issue by the names most files use.
const (
	accessToken   = "access_token"
	refreshToken  = "refresh_token"
	accessLife    = "expires_in"
	refreshLife   = "refresh_token_expires_in"
	accessEnd     = "expires_at"
	refreshEnd    = "refresh_token_expires_at"
	issuedAt      = "issued_at"
	tokenType     = "token_type"
	scope         = "scope"
	plainToken    = "token" // an access token, where there is no other
	userName      = "user_name"
	email         = "email"
	siteID        = "siteid"
	authorization = "authorization"
)

// memberOf returns which member a name means, empty for none. Names are compared
// without case, separators and what tools put before them: accessToken,
// WEBEX_ACCESS_TOKEN and x_refresh_token_expires_in are known.
func memberOf(name string) string {
	flat := strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '-' || r == '.' || r == ' ':
			return -1
		}
		return r
	}, name)
	if m := exact(flat); m != "" {
		return m
	}
	// The names of environments carry the name of a product.
	for _, end := range []struct{ suffix, member string }{
		{"refreshtokenexpiresin", refreshLife}, {"refreshtokenexpiresat", refreshEnd}, {"refreshtokenexpires", refreshEnd},
		{"accesstokenexpiresin", accessLife}, {"accesstokenexpiresat", accessEnd}, {"accesstokenexpires", accessEnd},
		{"accesstoken", accessToken}, {"refreshtoken", refreshToken},
	} {
		if strings.HasSuffix(flat, end.suffix) {
			return end.member
		}
	}
	return ""
}

func exact(flat string) string {
	switch flat {
	case "expiresin", "accessexpiresin":
		return accessLife
	case "refreshexpiresin":
		return refreshLife
	case "expiresat", "expires", "expiry", "expiration", "expireson", "expirydate", "expirytime", "tokenexpiry", "tokenexpiresat", "accesstokenexpiry", "accesstokenexpiration":
		return accessEnd
	case "refreshexpiresat", "refreshexpires", "refreshexpiration", "refreshtokenexpiry", "refreshtokenexpiration":
		return refreshEnd
	case "issuedat", "createdat", "created", "obtainedat", "retrievedat", "fetchedat", "acquiredat", "receivedat":
		return issuedAt
	case "tokentype":
		return tokenType
	case "scope", "scopes":
		return scope
	case "token", "webextoken":
		return plainToken
	case "username":
		return userName
	case email, siteID, authorization:
		return flat
	}
	return ""
}
