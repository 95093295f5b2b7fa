package tokenfile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"webex-tokend/daemon/tokenfile"
)

// withAccess is a response with this text, as JSON has it, for its access token.
func withAccess(text string) string {
	return fmt.Sprintf(`{"access_token":%s,"refresh_token":"ref","expires_in":60}`, text)
}

// Fields of an imported text were taken as they stood: a token in quotes, or with
// a zero-width space behind it, was stored and sent.
func TestEveryTokenOfATextIsCheckedAsStrictlyAsABareLine(t *testing.T) {
	for name, text := range map[string]string{
		"blanks":                 `"  acc\t"`,
		"a line end":             `"acc\r\n"`,
		"a zero-width space":     `"acc\u200b"`,
		"a byte order mark":      `"\ufeffacc"`,
		"a no-break space":       `"\u00a0acc"`,
		"a mark of direction":    `"\u202aacc\u202c"`,
		"quotes":                 `"\"acc\""`,
		"quotes of a word":       `"“acc”"`,
		"back quotes":            "\"`acc`\"",
		"its scheme":             `"Bearer acc"`,
		"its scheme in capitals": `"BEARER  acc"`,
		"its header":             `"Authorization: Bearer acc"`,
	} {
		i, err := tokenfile.Parse([]byte(withAccess(text)), tokenfile.Auto)
		if err != nil || i.Access.Reveal() != "acc" {
			t.Errorf("%s: read as %q (%v)", name, i.Access.Reveal(), err)
		} else if len(i.Notes) == 0 {
			t.Errorf("%s: undone in silence", name)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"a blank inside":                {`"can ary"`, "a blank or an invisible character inside"},
		"a zero-width space inside":     {`"can\u200bary"`, "invisible character inside"},
		"a soft hyphen inside":          {`"can\u00adary"`, "invisible character inside"},
		"a wrapped line":                {`"can\nary"`, "wrapped over several lines"},
		"a wrapped line of Windows":     {`"can\r\n   ary"`, "wrapped over several lines"},
		"a name before it":              {`"access_token=canary"`, "looks like NAME=value"},
		"an environment variable":       {`"${CANARY_TOKEN}"`, "placeholder"},
		"a masked token":                {`"can***ary"`, "placeholder"},
		"a shortened token":             {`"canary..."`, "placeholder"},
		"a shortened token of a screen": {`"canary…"`, "placeholder"},
		"what a manual says":            {`"<your canary>"`, "placeholder"},
		"the word of JavaScript":        {`"undefined"`, "holds the word undefined"},
		"the word of Python":            {`"None"`, "holds the word None"},
		"an object of JavaScript":       {`"[object Object]"`, "placeholder"},
		"letters beyond ASCII":          {`"canarÿ"`, "characters that no token has"},
		"an object":                     {`{"value":"canary"}`, "not a text"},
		"a list":                        {`["canary"]`, "not a text"},
		"a truth value":                 {`true`, "not a text"},
		"a fraction":                    {`1.5`, "not a text"},
	} {
		_, err := tokenfile.Parse([]byte(withAccess(c.text)), tokenfile.Auto)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		_, err = tokenfile.Parse([]byte(strings.Replace(`{"access_token":"acc","refresh_token":X}`, "X", c.text, 1)), tokenfile.Auto)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s for a refresh token: error %v", name, err)
		}
	}
}

func TestInstantsOfAFileAreReadAsProgramsWriteThem(t *testing.T) {
	want := at("2026-12-06T01:07:05Z")
	for _, text := range []string{
		"2026-12-06T01:07:05Z", "2026-12-06T01:07:05+00:00", "2026-12-06T02:07:05+0100", "2026-12-06T01:07:05+00",
		"2026-12-06 01:07:05 UTC", "2026-12-06 01:07:05Z", "2026-12-06T01:07:05", "20261206T010705Z",
		"Sun, 06 Dec 2026 01:07:05 GMT", "Sunday, 06-Dec-26 01:07:05 GMT", "Sun Dec  6 01:07:05 2026", "Sun Dec  6 01:07:05 UTC 2026",
		"2026-12-06 01:07:05 +0000 UTC", "2026-12-06 01:07:05 +0000 UTC m=+0.012345", "2026-12-06 02:07:05 +0100 CET",
		"Sun Dec 06 2026 01:07:05 GMT+0000 (Coordinated Universal Time)", "Sun Dec 06 2026 02:07:05 GMT+0100 (CET)",
		"/Date(1796519225000)/", "/Date(1796519225000+0100)/",
		"1796519225", "1796519225000", "1796519225000000", "1796519225000000000", "1.796519225e9",
	} {
		i, err := tokenfile.Parse([]byte(fmt.Sprintf(`{"access_token":"acc","expires_at":%q}`, text)), tokenfile.Auto)
		if err != nil || !i.AccessEnd.Equal(want) {
			t.Errorf("%s is read as %v (%v)", text, i.AccessEnd, err)
		}
	}
	if i, _ := tokenfile.Parse([]byte(`{"access_token":"acc","expires_at":"2026-12-06T01:07Z"}`), tokenfile.Auto); !i.AccessEnd.Equal(at("2026-12-06T01:07:00Z")) {
		t.Errorf("a time without seconds is read as %v", i.AccessEnd)
	}
	for _, text := range []string{"12/06/2026 01:07:05", "6.12.2026", "soon", "2026-12-06 01:07:05 CET", "-5", "9e30", "/Date(soon)/"} {
		i, err := tokenfile.Parse([]byte(fmt.Sprintf(`{"access_token":"acc","expires_at":%q}`, text)), tokenfile.Auto)
		if err != nil || !i.AccessEnd.IsZero() {
			t.Errorf("%s is read as %v (%v)", text, i.AccessEnd, err)
		}
	}
}

func TestMembersAreKnownByTheNamesThatToolsGiveThem(t *testing.T) {
	end := at("2026-12-06T01:07:05Z")
	for _, name := range []string{"expiry", "expires_at", "expires", "expiresAt", "expires_on", "expiry_date", "expiration", "ACCESS_TOKEN_EXPIRES_AT"} {
		i, err := tokenfile.Parse([]byte(fmt.Sprintf(`{"access_token":"acc",%q:1796519225}`, name)), tokenfile.Auto)
		if err != nil || !i.AccessEnd.Equal(end) {
			t.Errorf("%s is read as %v (%v)", name, i.AccessEnd, err)
		}
	}
	for _, name := range []string{"created_at", "issued_at", "obtained_at", "issuedAt", "createdAt", "retrieved_at"} {
		i, err := tokenfile.Parse([]byte(fmt.Sprintf(`{"access_token":"acc","expires_in":60,%q:1796519225}`, name)), tokenfile.Auto)
		if err != nil || !i.IssuedAt.Equal(end) || i.AccessLife != time.Minute {
			t.Errorf("%s is read as %v (%v)", name, i.IssuedAt, err)
		}
	}
	for _, name := range []string{"refreshToken", "RefreshToken", "REFRESH_TOKEN", "WEBEX_REFRESH_TOKEN", "refresh-token"} {
		i, err := tokenfile.Parse([]byte(fmt.Sprintf(`{"accessToken":"acc",%q:"ref"}`, name)), tokenfile.Auto)
		if err != nil || i.Refresh.Reveal() != "ref" || i.Access.Reveal() != "acc" {
			t.Errorf("%s is read as %q (%v)", name, i.Refresh.Reveal(), err)
		}
	}
	for _, name := range []string{"expires", "expires_at", "expiry"} {
		i, err := tokenfile.Parse([]byte(fmt.Sprintf(`{"access_token":"acc",%q:1209599}`, name)), tokenfile.Auto)
		if err != nil || i.AccessLife != 1209599*time.Second || !i.AccessEnd.IsZero() || len(i.Notes) == 0 {
			t.Errorf("a small number in %s is read as life %v, end %v, notes %q (%v)", name, i.AccessLife, i.AccessEnd, i.Notes, err)
		}
	}
}

func utf16le(text string) string {
	var b strings.Builder
	for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		b.WriteByte(byte(unit))
		b.WriteByte(byte(unit >> 8))
	}
	return b.String()
}

// Each of these was refused, or read in part.
func TestTokensAreFoundInTheShapesThatToolsKeepThemIn(t *testing.T) {
	response := `{"access_token":"acc","refresh_token":"ref","expires_in":60}`
	for name, text := range map[string]string{
		"dotenv":                  "# of a sample\nCLIENT_ID=C0ffee\nACCESS_TOKEN=acc\nREFRESH_TOKEN='ref'\nEXPIRES_IN=60\n",
		"dotenv with a product":   "WEBEX_CLIENT_ID=\nexport WEBEX_ACCESS_TOKEN=\"acc\"  # mine\nexport WEBEX_REFRESH_TOKEN=ref # too\nWEBEX_EXPIRES_IN=60\nEXPIRES_IN=60\n",
		"variables of PowerShell": "$env:ACCESS_TOKEN = \"acc\"\r\n$env:REFRESH_TOKEN = \"ref\"\r\n$env:EXPIRES_IN = 60\r\n",
		"INI":                     "[webex]\naccess_token = acc ; mine\nrefresh_token = ref\nexpires_in = 60\n",
		"TOML":                    "title = \"x\"\n\n[webex.oauth]\naccess_token = \"acc\"\nrefresh_token = 'ref'\nexpires_in = 60 # seconds\n",
		"curl -i":                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + response,
		"curl -i through a proxy": "HTTP/1.1 200 Connection established\r\n\r\nHTTP/2 200 \r\nserver: x\r\n\r\n" + response + "\n",
		"UTF-16 of PowerShell":    utf16le(response + "\r\n"),
		"UTF-16 without a mark":   utf16le(response)[2:],
		"Latin-1":                 "# gr\xfc\xdfe\naccess_token: acc\nrefresh_token: ref\nexpires_in: 60\n",
		"JSON in a string":        `"{\"access_token\":\"acc\",\"refresh_token\":\"ref\",\"expires_in\":60}"`,
		"JSON by hand":            "{'access_token': 'acc', 'refresh_token': 'ref', 'expires_in': 60,}",
		"n8n":                     `{"name":"Webex","data":{"clientId":"C0ffee","clientSecret":"s","oauthTokenData":` + response + `}}`,
		"Home Assistant":          `{"domain":"webex","data":{"auth_implementation":"x","token":` + response + `}}`,
		"simple-oauth2":           `{"token":` + response + `}`,
		"the JavaScript SDK":      `{"credentials":{"@":{"supertoken":` + response + `,"userTokens":[{"access_token":"other","scope":"spark:kms"}]}}}`,
		"the service-app sample":  `{"serviceApp":{"appId":"a","clientId":"c","clientSecret":"s"},"tokenManager":{"personalAccessToken":"acc","refreshToken":"ref","expires_in":60}}`,
		"Postman":                 `{"name":"env","values":[{"key":"client_id","value":"c","enabled":true},{"key":"access_token","value":"acc","enabled":true},{"key":"refresh_token","value":"ref","enabled":true},{"key":"expires_in","value":"60","enabled":true},{"key":"access_token","value":"old","enabled":false}]}`,
		"YAML with aliases":       "base: &t\n  access_token: acc\n  refresh_token: ref\n  expires_in: 60\ncurrent: *t\n",
		"YAML with a merge":       "base: &t\n  expires_in: 60\nwebex:\n  <<: *t\n  access_token: acc\n  refresh_token: ref\n",
		"YAML nested":             "webex:\n  token:\n    access_token: acc\n    refresh_token: ref\n    expires_in: 60\n",
	} {
		i, err := tokenfile.Parse([]byte(text), tokenfile.Auto)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if i.Access.Reveal() != "acc" || i.Refresh.Reveal() != "ref" || i.AccessLife != time.Minute {
			t.Errorf("%s: read as %q, %q, %v", name, i.Access.Reveal(), i.Refresh.Reveal(), i.AccessLife)
		}
	}
}

func TestACaptureOfAnAnswerTellsWhenItCame(t *testing.T) {
	i, err := tokenfile.Parse([]byte("HTTP/2 200\r\ndate: Sun, 06 Dec 2026 01:07:05 GMT\r\n\r\n{\"access_token\":\"acc\",\"expires_in\":60}"), tokenfile.Auto)
	if err != nil || !i.IssuedAt.Equal(at("2026-12-06T01:07:05Z")) || len(i.Notes) != 2 {
		t.Errorf("issued at %v, notes %q (%v)", i.IssuedAt, i.Notes, err)
	}
	for _, c := range []struct{ text, want string }{
		{"HTTP/1.1 400 Bad Request\r\n\r\n{\"access_token\":\"canary\"}", "status 400"},
		{"HTTP/1.1 502 Bad Gateway\r\n\r\ncanary", "status 502"},
		{"HTTP/1.1 canary\r\n\r\n{}", "status ?"},
		{"HTTP/1.1 200 OK\r\nSet-Cookie: canary", "without a body"},
		{"HTTP/1.1 200 OK\r\nx: canary\r\n\r\n\r\n", "without a body"},
		{"HTTP/1.1\ncanary", "has no status"},
	} {
		_, err := tokenfile.Parse([]byte(c.text), tokenfile.Auto)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

// The first of two was taken in silence.
func TestOfTwoTokensNoneIsTakenAndBothAreNamed(t *testing.T) {
	one, other := `{"access_token":"canary1","refresh_token":"r1"}`, `{"access_token":"canary2"}`
	for name, c := range map[string]struct{ text, want string }{
		"two objects":           {one + "\n" + other, "one with access_token and refresh_token at line 1 and another with access_token at line 2"},
		"two objects on a line": {one + other, "two JSON objects"},
		"half a second object":  {one + "\n\n{\"acc", "two JSON objects"},
		"text behind":           {one + "\ncanary", "has text behind its JSON object, at line 2"},
		"two documents":         {"access_token: canary1\n---\naccess_token: canary2\n", "line 1 and another with access_token at line 3"},
		"two places":            {`{"old":` + one + `,"new":` + other + `}`, "in two places, old and new"},
		"the top and a place":   {`{"access_token":"canary1","previous":` + other + `}`, "in two places, the top and previous"},
		"two sections":          {"[a]\naccess_token=canary1\n[b]\naccess_token=canary2\n", "in two places, a and b"},
		"two variables":         {"DEV_ACCESS_TOKEN=canary1\nPROD_ACCESS_TOKEN=canary2\n", "two different texts for access_token"},
		"the same member twice": {`{"access_token":"canary1","access_token":"canary2"}`, "two different texts for access_token"},
		"two spellings":         {`{"access_token":"canary1","accessToken":"canary2"}`, "two different texts for access_token"},
		"entries of a list":     {`{"entries":[{"data":{"token":` + one + `}},{"data":{"token":` + other + `}}]}`, "entries.0.data.token and entries.1.data.token"},
		"two lines":             {"canary1\ncanary2\n", "neither a JSON object nor"},
	} {
		_, err := tokenfile.Parse([]byte(c.text), tokenfile.Auto)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := tokenfile.Parse([]byte(`{"a":`+one+`,"b":`+one+`}`), tokenfile.Auto); err != nil {
		t.Errorf("two copies of one token: %v", err)
	}
}
