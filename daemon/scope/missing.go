package scope

import (
	"slices"
	"strings"
)

// Missing lists the scopes that were asked for and not granted, as providers mean
// them. Scopes of an answer stand between blanks or commas, in any case. Some are
// never named there: those of OpenID Connect, and .default of Microsoft, which
// stands for others. An API's scope, api://APP/read, may come as read. An answer
// without scopes granted what was asked for, RFC 6749 section 5.1.
func Missing(asked []string, granted string) []string {
	missing := []string{}
	has := strings.FieldsFunc(strings.ToLower(granted), func(r rune) bool { return r == ' ' || r == ',' || r == '+' || r == ';' || r == '\t' || r == '\n' })
	if len(has) == 0 {
		return missing
	}
	for _, scope := range asked {
		want := strings.ToLower(strings.TrimSpace(scope))
		if !unnamed(want) && !slices.ContainsFunc(has, func(s string) bool { return s == want || lastPart(s) == want || s == lastPart(want) }) {
			missing = append(missing, scope)
		}
	}
	return missing
}

// unnamed reports that an answer need not name a scope that it grants.
func unnamed(scope string) bool {
	switch scope {
	case "", "openid", "profile", "email", "address", "phone", "offline_access", "offline":
		return true
	}
	return strings.HasSuffix(scope, "/.default") || scope == ".default"
}

// lastPart is what stands behind the API of a scope that is a URL; empty: it is
// none.
func lastPart(scope string) string {
	_, path, found := strings.Cut(scope, "://")
	if !found {
		return ""
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}
