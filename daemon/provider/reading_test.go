package provider_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"webex-tokend/daemon/answer"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

func TestALifeIsReadInWhateverFormItComes(t *testing.T) {
	const longest = 400 * 24 * time.Hour
	table := []struct {
		name   string
		member string // of the object, with its comma
		want   time.Duration
		note   string
	}{
		{"a number", `,"expires_in":1209599`, 1209599 * time.Second, ""},
		{"a string", `,"expires_in":"7199"`, 7199 * time.Second, ""},
		{"a string with space", `,"expires_in":" 7199 "`, 7199 * time.Second, ""},
		{"a fraction", `,"expires_in":3600.5`, 3600*time.Second + 500*time.Millisecond, ""},
		{"an exponent", `,"expires_in":1.2e3`, 1200 * time.Second, ""},
		{"less than a second", `,"expires_in":0.001`, time.Second, ""},
		{"absent", ``, 0, ""},
		{"null", `,"expires_in":null`, 0, ""},
		{"zero", `,"expires_in":0`, time.Minute, "expires_in is not above zero"},
		{"negative", `,"expires_in":-7`, time.Minute, "expires_in is not above zero"},
		{"minus infinity", `,"expires_in":"-Infinity"`, time.Minute, "expires_in is not above zero"},
		{"huge", `,"expires_in":1e18`, longest, "expires_in is too large"},
		{"decades", `,"expires_in":315360000`, longest, "expires_in is too large"},
		{"the largest number of 32 bits", `,"expires_in":2147483647`, longest, "expires_in is too large"},
		{"the largest number of 64 bits", `,"expires_in":9223372036854775807`, longest, "expires_in is too large"},
		{"fourteen days in milliseconds", `,"expires_in":1209600000`, longest, "expires_in is too large"},
		{"with a unit", `,"expires_in":"3600s"`, time.Hour, ""},
		{"under another name", `,"expire_in":3600`, time.Hour, ""},
		{"in camel case", `,"expiresIn":3600`, time.Hour, ""},
		{"beyond any number", `,"expires_in":1e999`, longest, "expires_in is too large"},
		{"more than 64 bits", `,"expires_in":99999999999999999999`, longest, "expires_in is too large"},
		{"a bare NaN", `,"expires_in":NaN`, 0, "expires_in is not a number"},
		{"true", `,"expires_in":true`, 0, "expires_in is not a number"},
		{"an object", `,"expires_in":{"s":5}`, 0, "expires_in is not a number"},
		{"a word", `,"expires_in":"soon"`, 0, "expires_in is not a number"},
		{"an empty string", `,"expires_in":""`, 0, "expires_in is not a number"},
		{"twice", `,"expires_in":5,"expires_in":7`, 7 * time.Second, "expires_in stands more than once"},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			c := client(t, provider.Config{Transport: by(respond(200, nil, `{"access_token":"a"`+row.member+`,"refresh_token":"r"}`))})
			a, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
			if err != nil {
				t.Fatal(err)
			}
			if a.AccessLife != row.want || a.Refresh.Reveal() != "r" {
				t.Errorf("life %v, refresh token %q; want %v, r", a.AccessLife, a.Refresh.Reveal(), row.want)
			}
			if row.note == "" && len(a.Notes) > 0 || row.note != "" && !slices.Contains(a.Notes, row.note) {
				t.Errorf("notes %q, want %q", a.Notes, row.note)
			}
		})
	}
}

func TestAWindowOfZeroSecondsSaysNothing(t *testing.T) {
	o, err := answer.ReadObject([]byte(`{"refresh_token_expires_in":0}`))
	if err != nil {
		t.Fatal(err)
	}
	if a := provider.AnswerOf(o, time.Hour); a.RefreshLife != 0 || len(a.Notes) != 1 {
		t.Errorf("life %v, notes %q", a.RefreshLife, a.Notes)
	}
}

func TestScopesMayComeAsAList(t *testing.T) {
	for text, want := range map[string]string{
		`{"scope":"a b"}`:     "a b",
		`{"scope":["a","b"]}`: "a b",
		`{"scope":7}`:         "",
		`{}`:                  "",
	} {
		o, err := answer.ReadObject([]byte(text))
		if got := provider.AnswerOf(o, time.Hour).Scope; err != nil || got != want {
			t.Errorf("scope of %s is %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestTextsOfAnAnswerStayOnOneLineAndPrintable(t *testing.T) {
	const hostile = `"a\nTOKEN=evil\u001b]0;x\u0007\u009b2J\u202eb"`
	const want = `a\nTOKEN=evil\x1b]0;x\a\u009b2J\u202eb`
	o, err := answer.ReadObject([]byte(`{"access_token":"t","scope":` + hostile +
		`,"user_name":` + hostile + `,"email":` + hostile + `,"siteid":` + hostile + `}`))
	if err != nil {
		t.Fatal(err)
	}
	a := provider.AnswerOf(o, time.Hour)
	for name, got := range map[string]string{
		"scope": a.Scope, "user_name": a.User, "email": a.Email, "siteid": a.Site,
	} {
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for name, text := range map[string]string{
		"scopes in a list":         `{"scope":["a","\u001b[2J"]}`,
		"a site that is no string": `{"siteid":["` + "\u009b" + `2J",` + "\n" + `1]}`,
	} {
		o, _ := answer.ReadObject([]byte(text))
		a := provider.AnswerOf(o, time.Hour)
		if got := a.Scope + a.Site; got == "" || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%s: %q", name, got)
		}
	}
	o, _ = answer.ReadObject([]byte(`{"user_name":"` + strings.Repeat("x", 5000) + `"}`))
	if a := provider.AnswerOf(o, time.Hour); len(a.User) > 200 {
		t.Errorf("a name of %d bytes is taken", len(a.User))
	}
}

func TestADeviceAnswerCannotSpeakToATerminal(t *testing.T) {
	start := func(members string) (provider.Device, error) {
		c := client(t, provider.Config{Transport: by(respond(200, nil, `{"device_code":"d",`+members+`}`))})
		return c.StartDevice(t.Context(), integration(t, "http://127.0.0.1"))
	}
	d, err := start(`"user_code":"12\u001b[2J\n34","verification_uri":"https://webex.example/device"`)
	if err != nil || d.UserCode != `12\x1b[2J\n34` {
		t.Errorf("the user code is %q, %v", d.UserCode, err)
	}
	for _, link := range []string{`https://webex.example/\u009b2J`, `https://webex.example/\u202egpj`, `https://webex.example/ x`} {
		if d, err := start(`"user_code":"1234","verification_uri":"` + link + `"`); err == nil {
			t.Errorf("the link %q is taken", d.URL)
		}
		if d, err := start(`"user_code":"1234","verification_uri":"https://webex.example/","verification_uri_complete":"` + link + `"`); err != nil || d.URLComplete != "" {
			t.Errorf("the link %q is taken, %v", d.URLComplete, err)
		}
	}
}

func TestTheEndOfASelfContainedTokenStandsInIt(t *testing.T) {
	jwt := func(payload string) string {
		return "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
	}
	table := []struct {
		name, token string
		want        int64 // seconds; 0: none
	}{
		{"Webex, in milliseconds", jwt(`{"expiry_time":1768630439322,"realm":"x"}`), 1768630439},
		{"the claim of the RFC", jwt(`{"exp":1768630439}`), 1768630439},
		{"no claim", jwt(`{"sub":"x"}`), 0},
		{"a payload that is no object", jwt(`[1]`), 0},
		{"an opaque token", "NjlhN_PF84_1eb65fdf-9643-417f-9974-ad72cae0e10f", 0},
		{"dots and no base64", "a.!.c", 0},
		{"nothing", "", 0},
	}
	for _, row := range table {
		end := provider.TokenEnd(store.NewSecret(row.token))
		if row.want == 0 && !end.IsZero() || row.want != 0 && end.Unix() != row.want {
			t.Errorf("%s: end %v, want %d", row.name, end, row.want)
		}
	}
}

func TestASelfContainedTokenServesWhereExpiresInIsMissing(t *testing.T) {
	token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1768630439}`)) + ".x"
	for member, want := range map[string]bool{``: true, `,"expires_in":60`: false} {
		c := client(t, provider.Config{Transport: by(respond(200, nil, `{"access_token":"`+token+`"`+member+`}`))})
		a, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
		if err != nil || !a.AccessEnd.IsZero() != want {
			t.Errorf("with %q the end is %v (%v)", member, a.AccessEnd, err)
		}
	}
}
