package provider_test

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"webex-tokend/daemon/provider"
)

// answered sends one refresh and has it answered by this body.
func answered(t *testing.T, header http.Header, body string) (provider.Answer, error) {
	t.Helper()
	c := client(t, provider.Config{Transport: by(respond(200, header, body))})
	a, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
	checkPrivacy(t, a, err)
	return a, err
}

// Each of these dropped the refresh token, and with rotation the grant with it.
func TestARefreshTokenInAnyFormIsTaken(t *testing.T) {
	long := strings.Repeat("r", 100<<10)
	for name, row := range map[string]struct{ member, want string }{
		"a number":                    {`"refresh_token":12345678901234567890123`, "12345678901234567890123"},
		"a negative number":           {`"refresh_token":-17`, "-17"},
		"an object with a value":      {`"refresh_token":{"value":"new-refresh","expires_in":7}`, "new-refresh"},
		"an object with a token":      {`"refresh_token":{"type":"x","token":"new-refresh"}`, "new-refresh"},
		"an object in an object":      {`"refresh_token":{"token":{"value":"new-refresh"}}`, "new-refresh"},
		"a list of one":               {`"refresh_token":["new-refresh"]`, "new-refresh"},
		"a list of objects":           {`"refresh_token":[{"value":"new-refresh"}]`, "new-refresh"},
		"nine kilobytes":              {`"refresh_token":"` + long[:9<<10] + `"`, long[:9<<10]},
		"a hundred kilobytes":         {`"refresh_token":"` + long + `"`, long},
		"bytes that are not UTF-8":    {`"refresh_token":"new` + "\xe9\xff" + `refresh"`, "new\xe9\xffrefresh"},
		"escapes":                     {`"refresh_token":"new\u002drefresh\/\ud83d\ude00"`, "new-refresh/\U0001f600"},
		"a line break in it":          {"\"refresh_token\":\"new\nrefresh\"", "new\nrefresh"},
		"camel case":                  {`"refreshToken":"new-refresh"`, "new-refresh"},
		"Pascal case":                 {`"RefreshToken":"new-refresh"`, "new-refresh"},
		"upper case":                  {`"REFRESH_TOKEN":"new-refresh"`, "new-refresh"},
		"a hyphen":                    {`"refresh-token":"new-refresh"`, "new-refresh"},
		"a blank":                     {`"Refresh Token":"new-refresh"`, "new-refresh"},
		"an escaped name":             {`"refresh\u005ftoken":"new-refresh"`, "new-refresh"},
		"twice, the last one counts":  {`"refresh_token":"other","refresh_token":"new-refresh"`, "new-refresh"},
		"twice, one of them null":     {`"refresh_token":"new-refresh","refresh_token":null`, "new-refresh"},
		"in two spellings, one empty": {`"refresh_token":"","refreshToken":"new-refresh"`, "new-refresh"},
		"in single quotes":            {`'refresh_token':'new-refresh'`, "new-refresh"},
		"a name without quotes":       {`refresh_token:"new-refresh"`, "new-refresh"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := answered(t, nil, `{"access_token":"new-access","expires_in":3600,`+row.member+`}`)
			if err != nil || a.Access.Reveal() != "new-access" || a.Refresh.Reveal() != row.want || a.AccessLife != time.Hour {
				t.Errorf("access %q, life %v, a refresh token of %d bytes, want %d: %v", a.Access.Reveal(), a.AccessLife, len(a.Refresh.Reveal()), len(row.want), err)
			}
		})
	}
}

// An answer whose names or tokens came twice kept one of them and forgot the other.
func TestASecondRefreshTokenInAnAnswerIsASpare(t *testing.T) {
	for _, members := range []string{
		`"refresh_token":"one","refresh_token":"two"`,
		`"refreshToken":"one","refresh_token":"two"`,
		`"refresh_token":{"value":"one"},"refresh_token":"two"`,
	} {
		a, err := answered(t, nil, `{"access_token":"a",`+members+`}`)
		if err != nil || a.Refresh.Reveal() != "two" || len(a.Spares) != 1 || a.Spares[0].Reveal() != "one" {
			t.Errorf("of %s: %q and %d spares, %v", members, a.Refresh.Reveal(), len(a.Spares), err)
		}
	}
}

func TestAnAnswerIsReadHoweverItIsEncodedOrWrapped(t *testing.T) {
	twice := func(text string) string {
		b, _ := json.Marshal(text)
		return string(b)
	}
	utf16s := func(order func(uint16) []byte, text string) string {
		var b bytes.Buffer
		for _, u := range utf16.Encode([]rune(text)) {
			b.Write(order(u))
		}
		return b.String()
	}
	little := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }
	big := func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	through := func(open func(io.Writer) io.WriteCloser, text string) string {
		var b bytes.Buffer
		w := open(&b)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return b.String()
	}
	raw := func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 9); return f }
	zipped := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	br := func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) }
	zst := func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	coding := func(name string) http.Header { return http.Header{"Content-Encoding": {name}} }
	const form = "access_token=new-access&expires_in=1209599&refresh_token=new-refresh&refresh_token_expires_in=7775999&token_type=Bearer"
	for name, row := range map[string]struct {
		header http.Header
		body   string
	}{
		"UTF-16 with its mark, little endian":    {nil, utf16s(little, "\ufeff"+good)},
		"UTF-16 with its mark, big endian":       {nil, utf16s(big, "\ufeff"+good)},
		"UTF-16 without a mark":                  {nil, utf16s(little, good)},
		"UTF-32":                                 {nil, "\xff\xfe\x00\x00" + strings.Join(strings.Split(good, ""), "\x00\x00\x00") + "\x00\x00\x00"},
		"Latin-1 beside the tokens":              {nil, strings.Replace(good, "{", `{"user_name":"M`+"\xfc"+`ller",`, 1)},
		"gzip":                                   {coding("gzip"), packedBody(good)},
		"gzip that no header tells":              {nil, packedBody(good)},
		"gzip in gzip":                           {coding("gzip, gzip"), packedBody(packedBody(good))},
		"deflate with a zlib header":             {coding("deflate"), through(zipped, good)},
		"deflate without":                        {coding("deflate"), through(raw, good)},
		"deflate that no header tells":           {nil, through(zipped, good)},
		"brotli":                                 {coding("br"), through(br, good)},
		"zstd":                                   {coding("zstd"), through(zst, good)},
		"zstd that no header tells":              {nil, through(zst, good)},
		"brotli that no header tells":            {nil, through(br, good)},
		"a coding that was not applied":          {coding("br"), good},
		"JSON in a string":                       {nil, twice(good)},
		"JSON in a string in a string":           {nil, twice(twice(good))},
		"JSON in a string in an object":          {nil, `{"status":200,"body":` + twice(good) + `}`},
		"a form":                                 {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, form},
		"a form that calls itself text":          {http.Header{"Content-Type": {"text/plain"}}, form + "\n"},
		"lines":                                  {nil, strings.ReplaceAll(form, "&", "\n")},
		"a list":                                 {nil, "[" + good + "]"},
		"a list in a list":                       {nil, "[[" + good + "]]"},
		"under data":                             {nil, `{"data":` + good + `}`},
		"deep inside":                            {nil, `{"status":"ok","result":{"items":[{"id":1},` + good + `]}}`},
		"JSONP":                                  {nil, "callback(" + good + ");"},
		"a guard against inclusion":              {nil, ")]}',\n" + good},
		"an endless loop as guard":               {nil, "for(;;);" + good},
		"a page around":                          {http.Header{"Content-Type": {"text/html"}}, "<html><body><pre>" + good + "</pre></body></html>"},
		"a page with entities":                   {http.Header{"Content-Type": {"text/html"}}, "<html><pre>" + html.EscapeString(good) + "</pre></html>"},
		"text before and behind":                 {nil, "OK\n" + good + "\n<!-- served by x -->"},
		"another object behind":                  {nil, good + `{"debug":true}`},
		"base64":                                 {nil, base64.StdEncoding.EncodeToString([]byte(good))},
		"single quotes":                          {nil, strings.ReplaceAll(good, `"`, `'`)},
		"XML":                                    {nil, "<oauth><access_token>new-access</access_token><refresh_token>new-refresh</refresh_token></oauth>"},
		"YAML":                                   {nil, "access_token: new-access\nrefresh_token: new-refresh\n"},
		"noughts behind the object":              {nil, good + "\x00\x00"},
		"a megabyte of blanks behind the object": {nil, good + strings.Repeat(" ", 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := answered(t, row.header, row.body)
			if err != nil || a.Access.Reveal() != "new-access" || a.Refresh.Reveal() != "new-refresh" {
				t.Errorf("access %q, refresh %q: %v", a.Access.Reveal(), a.Refresh.Reveal(), err)
			}
		})
	}
}

func packedBody(body string) string {
	_, text, _ := strings.Cut(packed(body), "\r\n\r\n")
	return text
}

func TestARefreshTokenThatCannotBeReadLeavesTheWholeAnswer(t *testing.T) {
	for _, member := range []string{`true`, `{"a":{"b":1}}`, `"\ud800"`, `[]`, `"` + strings.Repeat("r", 200<<10) + `"`} {
		body := `{"access_token":"new-access","refresh_token":` + member + `}`
		a, err := answered(t, nil, body)
		if err != nil || a.Access.Reveal() != "new-access" || a.Unread.Reveal() != body {
			t.Errorf("of %.40s: %d of %d bytes are kept, %v", member, len(a.Unread.Reveal()), len(body), err)
		}
	}
	for _, body := range []string{"\x28\xb5\x2f\xfd\x04\x00\x99\x81\x13", `{"refresh_token":"cut`, `<p>Your refresh token: see mail</p>`} {
		_, err := answered(t, nil, body)
		if f := failure(t, err); f.Unread.Reveal() != body {
			t.Errorf("%q is not kept: %v", body, err)
		}
	}
	for _, body := range []string{"", "<html>Please log in</html>", `{"access_token":"","refresh_token":""}x`} {
		_, err := answered(t, nil, body)
		if f := failure(t, err); !f.Unread.Empty() && !strings.Contains(body, "refresh") {
			t.Errorf("%q is kept", body)
		}
	}
}

func TestTokensBehindAnErrorStatusAreKept(t *testing.T) {
	for _, status := range []int{302, 400, 401, 500, 502, 503} {
		c := client(t, provider.Config{Transport: by(respond(status, nil, good))})
		_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
		if f := failure(t, err); f.Salvaged.Reveal() != "new-refresh" {
			t.Errorf("with %d the refresh token is dropped: %v", status, err)
		}
	}
}

func TestOnlyWhatCanBeReadIsAskedFor(t *testing.T) {
	var sent http.Header
	c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
		sent = req.Header
		return respond(200, nil, good)(req)
	}))})
	if _, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request()); err != nil {
		t.Fatal(err)
	}
	if got := sent.Get("Accept-Encoding"); !strings.HasPrefix(got, "identity") || !strings.Contains(got, "*;q=0") || strings.Contains(got, "br") {
		t.Errorf("Accept-Encoding is %q", got)
	}
}

func TestANumberThatIsAnInstantIsOne(t *testing.T) {
	end := time.Now().Add(90 * time.Minute).Truncate(time.Second)
	for name, member := range map[string]string{
		"seconds":         fmt.Sprintf(`"expires_in":%d`, end.Unix()),
		"milliseconds":    fmt.Sprintf(`"expires_in":%d`, end.UnixMilli()),
		"microseconds":    fmt.Sprintf(`"expires_in":%d`, end.UnixMicro()),
		"a text":          fmt.Sprintf(`"expires_in":"%d"`, end.Unix()),
		"a date":          fmt.Sprintf(`"expires_in":%q`, end.Format(time.RFC3339)),
		"expires_at":      fmt.Sprintf(`"expires_at":%d`, end.Unix()),
		"expires_on":      fmt.Sprintf(`"expires_on":"%d"`, end.Unix()),
		"expires as date": fmt.Sprintf(`"expires":%q`, end.UTC().Format(http.TimeFormat)),
	} {
		a, err := answered(t, nil, `{"access_token":"a","refresh_token":"r",`+member+`}`)
		if err != nil || !a.AccessEnd.Equal(end) || a.AccessLife != 0 || a.Doubtful {
			t.Errorf("%s: end %v, life %v, doubtful %v, want %v (%v)", name, a.AccessEnd, a.AccessLife, a.Doubtful, end, err)
		}
	}
	a, err := answered(t, nil, fmt.Sprintf(`{"access_token":"a","refresh_token":"r","refresh_token_expires_in":%d}`, end.UnixMilli()))
	if err != nil || !a.RefreshEnd.Equal(end) {
		t.Errorf("the window ends %v, %v", a.RefreshEnd, err)
	}
}

func TestANumberOutOfRangeIsDoubtful(t *testing.T) {
	for _, member := range []string{`0`, `-7`, `1e18`, `315360000`, `2147483647`, `9223372036854775807`, `"-Infinity"`, `1420070401`} {
		if a, err := answered(t, nil, `{"access_token":"a","expires_in":`+member+`}`); err != nil || !a.Doubtful {
			t.Errorf("%s is believed: life %v, end %v, %v", member, a.AccessLife, a.AccessEnd, err)
		}
		if a, err := answered(t, nil, `{"access_token":"a","refresh_token_expires_in":`+member+`}`); err != nil || a.RefreshLife != 0 || !a.RefreshEnd.IsZero() {
			t.Errorf("a window of %s is believed: %v, %v, %v", member, a.RefreshLife, a.RefreshEnd, err)
		}
	}
	for _, member := range []string{`1`, `3600`, `"3600"`, `7775999`, `34559999`} {
		if a, err := answered(t, nil, `{"access_token":"a","expires_in":`+member+`}`); err != nil || a.Doubtful {
			t.Errorf("%s is not believed: %v", member, err)
		}
	}
}

func TestWhatServersCallBearerTokensAreBearerTokens(t *testing.T) {
	for _, kind := range []string{"Bearer", "bearer", "BEARER", " bearer ", "Bearer ", "bot", "user", "BearerToken", "jwt-bearer", "access_token", "urn:ietf:params:oauth:token-type:access_token", "N_A", ""} {
		a, err := answered(t, nil, `{"access_token":"a","refresh_token":"r","token_type":"`+kind+`"}`)
		if want := "Bearer"; err != nil || a.TokenType != want && kind != "" {
			t.Errorf("%q is %q, %v", kind, a.TokenType, err)
		}
	}
	for _, kind := range []string{"mac", "MAC", "DPoP", "dpop ", "pop", "hawk"} {
		if _, err := answered(t, nil, `{"access_token":"a","refresh_token":"new-refresh","token_type":"`+kind+`"}`); err == nil {
			t.Errorf("%q is taken for a bearer token", kind)
		} else if f := failure(t, err); f.Code != "not_a_bearer_token" || f.Salvaged.Reveal() != "new-refresh" {
			t.Errorf("%q: %+v", kind, *f)
		}
	}
}

func TestTheWindowIsReadUnderTheNamesOfPublicServers(t *testing.T) {
	for name, server := range map[string]string{
		"refresh_token_expires_in": "Webex, Google, GitHub, LinkedIn", "refresh_expires_in": "Keycloak, TikTok", "x_refresh_token_expires_in": "Intuit",
		"refreshTokenExpiresIn": "in camel case", "refresh_expire_in": "Shopee", "re_expires_in": "Taobao",
	} {
		if a, err := answered(t, nil, `{"access_token":"a","refresh_token":"r","`+name+`":8640000}`); err != nil || a.RefreshLife != 100*24*time.Hour {
			t.Errorf("%s (%s): %v, %v", name, server, a.RefreshLife, err)
		}
	}
	end := time.Now().Add(100 * 24 * time.Hour).Truncate(time.Second)
	for _, name := range []string{"refresh_token_expires_at", "refresh_expires_at", "refreshTokenExpiresAt", "refresh_token_expires", "refresh_token_valid_time", "refresh_token_expires_on"} {
		for _, text := range []string{fmt.Sprint(end.Unix()), fmt.Sprint(end.UnixMilli()), `"` + end.Format(time.RFC3339) + `"`} {
			if a, err := answered(t, nil, `{"access_token":"a","refresh_token":"r","`+name+`":`+text+`}`); err != nil || !a.RefreshEnd.Equal(end) {
				t.Errorf("%s %s: %v, %v", name, text, a.RefreshEnd, err)
			}
		}
	}
}
