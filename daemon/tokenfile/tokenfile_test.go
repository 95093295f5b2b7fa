package tokenfile_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/tokenfile"
)

const (
	day   = 24 * time.Hour
	token = "NjlhN_PF84_1eb65fdf-9643-417f-9974-ad72cae0e10f"
)

func jwt(payload string) string {
	return "eyJhbGciOiJSUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

// A view is an Import made comparable.
type view struct {
	access, refresh         string
	accessLife, refreshLife time.Duration
	accessEnd, refreshEnd   time.Time
	issuedAt                time.Time
	typ, scope, user        string
}

func viewOf(i tokenfile.Import) view {
	return view{i.Access.Reveal(), i.Refresh.Reveal(), i.AccessLife, i.RefreshLife,
		i.AccessEnd, i.RefreshEnd, i.IssuedAt, i.TokenType, i.Scope, i.User}
}

func TestFilesOfOtherToolsAreRead(t *testing.T) {
	wxc := view{access: "acc", refresh: "ref", accessLife: 1209599 * time.Second, refreshLife: 7775999 * time.Second,
		accessEnd: at("2026-12-06T01:07:05.133Z"), refreshEnd: at("2027-02-20T01:07:05.133Z"),
		issuedAt: at("2026-11-22T01:07:06.133Z"), typ: "Bearer", scope: "spark:all spark:kms"}
	table := []struct {
		name   string
		format string
		text   string
		want   view
	}{
		{"the token response of REST", tokenfile.Auto,
			`{"access_token":"acc","expires_in":1209599,"refresh_token":"ref","refresh_token_expires_in":7775999,"token_type":"Bearer"}`,
			view{access: "acc", refresh: "ref", accessLife: 1209599 * time.Second, refreshLife: 7775999 * time.Second, typ: "Bearer"}},
		{"the token response of Meetings", tokenfile.Response,
			`{"access_token":"acc","token_type":"bearer","refresh_token":"acme_ref","expires_in":7200,"scope":"all_read","user_name":"kim","iss":"https://acme.webex.com","siteid":1,"userid":2,"email":"kim@example.com"}`,
			view{access: "acc", refresh: "acme_ref", accessLife: 2 * time.Hour, typ: "Bearer", scope: "all_read", user: "kim"}},
		{"the members as a tutorial prints them, without braces", tokenfile.Auto,
			"\n  \"access_token\": \"acc\"\n  \"expires_in\": 1209599\n  \"refresh_token\": \"ref\"\n  \"refresh_token_expires_in\": 7775082\n",
			view{access: "acc", refresh: "ref", accessLife: 1209599 * time.Second, refreshLife: 7775082 * time.Second}},
		{"a byte order mark and line ends of Windows", tokenfile.Auto, "\ufeff{\r\n\"access_token\": \"acc\"\r\n}\r\n", view{access: "acc"}},
		{"the credentials of the JavaScript SDK", tokenfile.Auto,
			`{"access_token":"Bearer acc","refresh_token":"ref","expires":1796519225133,"expires_in":1209599,"refresh_token_expires":1803085625133,"refresh_token_expires_in":7775999,"token_type":"Bearer","scope":"spark:all spark:kms"}`, wxc},
		{"the answer of webex-token-keeper, without a zone", tokenfile.Auto,
			`{"access_token":"acc","expires":"2026-12-06T01:07:05.133","refresh_token":"ref","refresh_token_expires":"2027-02-20T01:07:05.133"}`,
			view{access: "acc", refresh: "ref", accessEnd: wxc.accessEnd, refreshEnd: wxc.refreshEnd}},
		{"the cache of a command line, with its time of issue", tokenfile.Auto,
			`{"access_token":"acc","refresh_token":"ref","expires_at":"2026-12-06T01:07:05.133Z","issued_at":"2026-11-22T00:00:00Z","token_type":"Bearer"}`,
			view{access: "acc", refresh: "ref", accessEnd: wxc.accessEnd, issuedAt: at("2026-11-22T00:00:00Z"), typ: "Bearer"}},
		{"the yml of wxc_sdk with quoted times", tokenfile.WxcSDK,
			"access_token: acc\nexpires_at: '2026-12-06T01:07:05.133Z'\nexpires_in: 1209599\nrefresh_token: ref\nrefresh_token_expires_at: '2027-02-20T01:07:05.133Z'\nrefresh_token_expires_in: 7775999\nscope: spark:all spark:kms\ntoken_type: Bearer\n", wxc},
		{"the yml of wxc_sdk with bare times", tokenfile.Auto,
			"access_token: acc\nexpires_at: 2026-12-06 01:07:05.133000+00:00\nexpires_in: 1209599\nrefresh_token: ref\nrefresh_token_expires_at: 2027-02-20 01:07:05.133000+00:00\nrefresh_token_expires_in: 7775999\nscope: spark:all spark:kms\ntoken_type: Bearer\n", wxc},
		{"the yml of wxc_sdk with nulls and a time without a zone", tokenfile.Auto,
			"access_token: acc\nexpires_at: 2026-12-06 01:07:05.133\nexpires_in: null\nrefresh_token: null\nrefresh_token_expires_at: ~\nscope:\ntoken_type: null\n",
			view{access: "acc", accessEnd: wxc.accessEnd}},
		{"a yml whose token has digits alone", tokenfile.Auto, "access_token: 0123456789\nrefresh_token: 1e5\n", view{access: "0123456789", refresh: "1e5"}},
		{"the file of wtr", tokenfile.Auto,
			`{"clientid":"C0ffee","secret":"s","scopes":"spark:all","redirectPort":"6855","token":"acc","refresh_token":"ref","expiration":1796519225,"refresh_expiration":1803085625}`,
			view{access: "acc", refresh: "ref", accessEnd: at("2026-12-06T01:07:05Z"), refreshEnd: at("2027-02-20T01:07:05Z"), scope: "spark:all"}},
		{"the file of wtr by name", tokenfile.Wtr, `{"token":"acc","refresh_token":""}`, view{access: "acc"}},
		{"a bare refresh token", tokenfile.Auto, token + "\n", view{refresh: token}},
		{"a bare refresh token by name", tokenfile.RefreshToken, token, view{refresh: token}},
		{"a refresh token with the padding of base64", tokenfile.Auto, "YWJjZA==", view{refresh: "YWJjZA=="}},
		{"a response of which only the refresh token counts", tokenfile.RefreshToken, `{"refresh_token":"ref","refresh_token_expires_in":60}`,
			view{refresh: "ref", refreshLife: time.Minute}},
		{"a bare access token of a bot", tokenfile.Static, token, view{access: token}},
		{"a bare access token with its scheme", tokenfile.Auto, "Bearer " + token, view{access: token}},
		{"a bare access token that carries its end", tokenfile.Static, jwt(`{"expiry_time":1796519225133}`),
			view{access: jwt(`{"expiry_time":1796519225133}`), accessEnd: wxc.accessEnd}},
		{"a response whose access token carries its end tells when it was issued", tokenfile.Auto, `{"access_token":"` + jwt(`{"expiry_time":1796519225133}`) + `","expires_in":86400}`,
			view{access: jwt(`{"expiry_time":1796519225133}`), accessLife: day, accessEnd: wxc.accessEnd, issuedAt: wxc.accessEnd.Add(-day)}},
		{"a bot's response that lives a hundred years", tokenfile.Static, `{"access_token":"acc","expires_in":3153600000}`, view{access: "acc", accessLife: 36500 * day}},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			i, err := tokenfile.Parse([]byte(row.text), row.format)
			if err != nil {
				t.Fatal(err)
			}
			if got := viewOf(i); got != row.want {
				t.Errorf("read as\n%+v, want\n%+v", got, row.want)
			}
		})
	}
}

func TestWhatIsNoTokenFileIsRefusedInOneLine(t *testing.T) {
	table := []struct {
		name, format, text, want string
	}{
		{"nothing", tokenfile.Auto, " \n", "is empty"},
		{"a page", tokenfile.Auto, "<!DOCTYPE html><html>canary</html>", "looks like an HTML page"},
		{"a page as a refresh token", tokenfile.RefreshToken, "<html>canary", "looks like an HTML page"},
		{"a list", tokenfile.Auto, `[{"access_token":"canary"}]`, "is a list"},
		{"a picture", tokenfile.Auto, "\x89PNG\r\n\x1a\n\x00canary", "is binary"},
		{"text that is in no encoding of tokens", tokenfile.Auto, "canary\xff\xfe", "has characters that no token has"},
		{"too much", tokenfile.Auto, strings.Repeat("canary", 20000), "has more than 65536 bytes"},
		{"a truncated response", tokenfile.Auto, `{"access_token":"canary","refresh_tok`, "is cut short"},
		{"a truncated file of wtr", tokenfile.Wtr, `{"token":"canary","refresh_token":"c`, "is cut short"},
		{"broken JSON", tokenfile.Response, `{"access_token" "canary"}`, "is not a sound JSON object"},
		{"broken YAML", tokenfile.Auto, "access_token: canary\n\t- x: y: z\n", "is neither a JSON object nor a YAML mapping"},
		{"prose", tokenfile.Auto, "canary is not a token", "is neither a JSON object nor a YAML mapping"},
		{"an answer without tokens", tokenfile.Auto, `{"canary":1}`, "has neither access_token nor refresh_token"},
		{"a response without an access token", tokenfile.Auto, `{"refresh_token":"canary","expires_in":5}`, "has no access_token"},
		{"a response with an access token of no use", tokenfile.Response, `{"access_token":"can\nary"}`, "has an access_token of no use"},
		{"an access token that is null", tokenfile.WxcSDK, "access_token: null\nrefresh_token: canary\n", "has no access_token"},
		{"an error of the broker", tokenfile.Auto, `{"error":"invalid_grant","error_description":"canary"}`, "is an error answer"},
		{"an error of the gateway", tokenfile.Auto, `{"message":"canary","errors":[],"trackingId":"canary"}`, "is an error answer"},
		{"a response without a refresh token where one is wanted", tokenfile.RefreshToken, `{"access_token":"canary"}`, "has no refresh_token"},
		{"an access token where a refresh token is wanted", tokenfile.RefreshToken, "Bearer canary", "is an access token"},
		{"the word that jq prints", tokenfile.Auto, "null\n", "holds the word null"},
		{"a line of an environment file", tokenfile.Auto, "WEBEX_REFRESH_TOKEN=canary", "has no access_token; format refresh-token takes"},
		{"a token with one quote", tokenfile.Auto, `"canary`, "has characters that no token has"},
		{"a token of nine kilobytes", tokenfile.Auto, strings.Repeat("canary", 1500), "is too long"},
		{"a file of wtr before its first run", tokenfile.Wtr, `{"clientid":"canary","token":""}`, "has neither"},
		{"a file of wtr with a token of no use", tokenfile.Wtr, `{"clientid":"c","token":"can ary"}`, "has a token of no use"},
		{"a format that nobody knows", "toml", "canary", `unknown format "toml"`},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			_, err := tokenfile.Parse([]byte(row.text), row.format)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("error %v, want one with %q", err, row.want)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q quotes the text or breaks the line", err)
			}
		})
	}
}

func TestOdditiesOfAFileBecomeNotes(t *testing.T) {
	i, err := tokenfile.Parse([]byte(`{"access_token":"a","expires_at":"soon","refresh_token":7,"expires_in":"x"}`), tokenfile.Auto)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(i.Notes), "[expires_at is not a time refresh_token is a number and was taken as it is written expires_in is not a number]"; got != want {
		t.Errorf("notes %s, want %s", got, want)
	}
}

func TestALineOfABulkImportNamesItsGrant(t *testing.T) {
	l, err := tokenfile.ParseLine([]byte(`{"grant":"ops","access_token":"acc","expires_in":60,"refresh_token":"ref","issued_at":1796519225}`))
	if err != nil {
		t.Fatal(err)
	}
	want := view{access: "acc", refresh: "ref", accessLife: time.Minute, issuedAt: at("2026-12-06T01:07:05Z")}
	if l.Grant != "ops" || viewOf(l.Import) != want {
		t.Errorf("read as %q, %+v", l.Grant, viewOf(l.Import))
	}
	l, err = tokenfile.ParseLine([]byte(`{"grant":"ops","refresh_token":"ref"}`))
	if err != nil || l.Grant != "ops" || viewOf(l.Import) != (view{refresh: "ref"}) {
		t.Errorf("a line with a refresh token alone is read as %q, %+v (%v)", l.Grant, viewOf(l.Import), err)
	}
	table := []struct{ name, line, grant, want string }{
		{"no grant", `{"access_token":"canary"}`, "", "names no grant"},
		{"a grant that is a number", `{"grant":7,"access_token":"canary"}`, "", "names no grant"},
		{"no token", `{"grant":"ops"}`, "ops", "has neither"},
		{"an access token of no use", `{"grant":"ops","access_token":7.5,"refresh_token":"canary"}`, "ops", "has an access_token of no use"},
		{"a refresh token that is none", `{"grant":"ops","refresh_token":["canary"]}`, "ops", "has a refresh_token of no use"},
		{"half a line", `{"grant":"ops","access_token":"can`, "", "is cut short"},
		{"no object", `access_token: canary`, "", "is not a sound JSON object"},
		{"nothing", ``, "", "is empty"},
	}
	for _, row := range table {
		l, err := tokenfile.ParseLine([]byte(row.line))
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "canary") || l.Grant != row.grant {
			t.Errorf("%s: grant %q, error %v; want %q, %q", row.name, l.Grant, err, row.grant, row.want)
		}
	}
}

func TestATimeOfIssueIsRead(t *testing.T) {
	for _, text := range []string{"2026-12-06T01:07:05Z", "1796519225"} {
		if got, err := tokenfile.ParseIssuedAt(text); err != nil || !got.Equal(at("2026-12-06T01:07:05Z")) {
			t.Errorf("%s is %v (%v)", text, got, err)
		}
	}
	for _, text := range []string{"", "yesterday", "-1"} {
		if got, err := tokenfile.ParseIssuedAt(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestATimeOfIssueToComeIsRefusedAndOneThatInstantsImplyIsNot(t *testing.T) {
	now := at("2026-11-22T00:00:00Z")
	for _, c := range []struct {
		name, text string
		refused    bool
	}{
		{"it is not known", `{"access_token":"acc"}`, false},
		{"it is past", `{"access_token":"acc","issued_at":"2026-11-21T00:00:00Z"}`, false},
		{"the clock of the other host is a little ahead", `{"access_token":"acc","issued_at":"2026-11-22T00:04:59Z"}`, false},
		{"it is to come", `{"access_token":"acc","issued_at":"2026-11-22T00:05:01Z"}`, true},
		{"it is to come, and the end is known", `{"access_token":"acc","issued_at":"2026-11-23T00:00:00Z","expires_at":"2026-11-24T00:00:00Z","expires_in":60}`, true},
		{"the end and the life imply it", `{"access_token":"acc","expires_at":"2026-11-24T00:00:00Z","expires_in":60}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, err := tokenfile.Parse([]byte(c.text), tokenfile.Auto)
			if err != nil {
				t.Fatal(err)
			}
			if err := i.Check(now); (err != nil) != c.refused {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

// FuzzParse: no text may bring the reader down, and what is taken is of use.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","expires_in":1e9,"refresh_token":"r","issued_at":"2026-12-06T01:07:05Z"}`,
		"access_token: &a x\nrefresh_token: *a\nexpires_at: 2026-12-06 01:07:05\n",
		`{"token":"a","refresh_token":"r","expiration":1}`, "Bearer x", token, "<html>", "? [a]\n: b\n",
		"HTTP/2 200\r\ndate: Sun, 06 Dec 2026 01:07:05 GMT\r\n\r\n{\"access_token\":\"a\"}", "[webex]\nACCESS_TOKEN='a' # x\n",
		"\xff\xfea\x00", `{"values":[{"key":"access_token","value":"a"}]}`, `"{\"access_token\":\"a\"}"`, "<<: *x\n",
	} {
		for _, format := range []string{tokenfile.Auto, tokenfile.WxcSDK, tokenfile.Wtr, tokenfile.RefreshToken, tokenfile.Static} {
			f.Add([]byte(seed), format)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, format string) {
		i, err := tokenfile.Parse(data, format)
		_, _ = tokenfile.ParseLine(data)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("error %q has more than one line", err)
			}
			return
		}
		if i.Access.Empty() && i.Refresh.Empty() {
			t.Errorf("%q was taken without a token in it", data)
		}
		for _, token := range []string{i.Access.Reveal(), i.Refresh.Reveal()} {
			if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) {
				t.Errorf("no server could have issued %q", token)
			}
		}
		if i.AccessLife < 0 || i.RefreshLife < 0 {
			t.Errorf("lives %v, %v", i.AccessLife, i.RefreshLife)
		}
	})
}
