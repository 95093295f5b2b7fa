package scope_test

import (
	"slices"
	"testing"

	"webex-tokend/daemon/scope"
)

func TestScopesAreComparedAsProvidersMeanThem(t *testing.T) {
	for name, row := range map[string]struct {
		asked   []string
		granted string
		missing []string
	}{
		"all of them":                     {[]string{"a", "b"}, "a b", nil},
		"more than was asked for":         {[]string{"a"}, "a b c", nil},
		"one is missing":                  {[]string{"a", "b"}, "a", []string{"b"}},
		"between commas":                  {[]string{"a", "b"}, "a,b", nil},
		"between commas and blanks":       {[]string{"a", "b"}, "a, b", nil},
		"in another case":                 {[]string{"User.Read", "b"}, "user.read B", nil},
		"no scope at all":                 {[]string{"a"}, "", nil},
		"blanks alone":                    {[]string{"a"}, "  ", nil},
		"offline_access is seldom named":  {[]string{"offline_access", "a"}, "a", nil},
		"openid and what belongs to it":   {[]string{"openid", "profile", "email", "a"}, "a", nil},
		"the default of Microsoft":        {[]string{"https://graph.microsoft.com/.default"}, "User.Read Mail.Read", nil},
		"the default of an API":           {[]string{"api://app-1/.default"}, "api://app-1/x", nil},
		"an API's scope without its name": {[]string{"api://app-1/read"}, "read", nil},
		"an API's scope with its name":    {[]string{"read"}, "api://app-1/read", nil},
		"another scope of the API":        {[]string{"api://app-1/write"}, "api://app-1/read", []string{"api://app-1/write"}},
		"of two APIs":                     {[]string{"api://app-1/read"}, "api://app-2/read", []string{"api://app-1/read"}},
		"a scope that is an address":      {[]string{"https://www.googleapis.com/auth/drive"}, "https://www.googleapis.com/auth/drive openid", nil},
		"one of Webex":                    {[]string{"spark:rooms_read", "spark:people_read"}, "spark:people_read", []string{"spark:rooms_read"}},
	} {
		if got := scope.Missing(row.asked, row.granted); !slices.Equal(got, row.missing) {
			t.Errorf("%s: %q, want %q", name, got, row.missing)
		}
	}
}
