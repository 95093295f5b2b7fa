package emulator

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

func tokenPlays() []Play {
	as := func(sent string, a *played, text string) { a.sent = sent; a.member(text) }
	name := func(to string) func(*played) {
		return func(a *played) { a.replace(`"refresh_token":`, `"`+to+`":`) }
	}
	return []Play{
		{Kind: "refresh-number", About: "the refresh token is a number", change: func(a *played) { as(digits(a.refresh), a, digits(a.refresh)) }},
		{Kind: "refresh-object", About: "it stands in an object, as value", change: func(a *played) { a.member(`{"value":"` + a.refresh + `","type":"refresh"}`) }},
		{Kind: "refresh-list", About: "it stands in a list", change: func(a *played) { a.member(`["` + a.refresh + `"]`) }},
		{Kind: "refresh-long", About: "it has a hundred kilobytes", change: func(a *played) {
			long := a.refresh + strings.Repeat("x", 100<<10)
			as(long, a, `"`+long+`"`)
		}},
		{Kind: "refresh-bytes", About: "it has bytes that are not UTF-8", change: func(a *played) { as(a.refresh+"\xe9\xff", a, `"`+a.refresh+"\xe9\xff\"") }},
		{Kind: "refresh-twice", About: "it stands twice, the first time another one", change: func(a *played) { a.replace("{", `{"refresh_token":"other",`) }},
		{Kind: "refresh-true", About: "it is true, which nobody can read", change: func(a *played) { a.member("true") }},
		{Kind: "refresh-surrogate", About: "it is half a character, which nobody can send back", change: func(a *played) { a.member(`"\ud800"`) }},
		{Kind: "name-camel", About: "its name is refreshToken", change: name("refreshToken")},
		{Kind: "name-pascal", About: "its name is RefreshToken", change: name("RefreshToken")},
		{Kind: "name-upper", About: "its name is REFRESH_TOKEN", change: name("REFRESH_TOKEN")},
		{Kind: "name-hyphen", About: "its name is refresh-token", change: name("refresh-token")},
	}
}

func wrappingPlays() []Play {
	around := func(before, after string) func(*played) {
		return func(a *played) { a.body = []byte(before + string(a.body) + after) }
	}
	quoted := func(text []byte) []byte { b, _ := json.Marshal(string(text)); return b }
	coded := func(coding string, open func(io.Writer) io.WriteCloser) func(*played) {
		return func(a *played) {
			var b bytes.Buffer
			w := open(&b)
			_, _ = w.Write(a.body)
			_ = w.Close()
			a.body = b.Bytes()
			a.header.Set("Content-Encoding", coding)
		}
	}
	return []Play{
		{Kind: "form", About: "a form instead of JSON", change: func(a *played) {
			var members map[string]any
			_ = json.Unmarshal(a.body, &members)
			form := url.Values{}
			for name, value := range members {
				form.Set(name, fmt.Sprint(value))
				if n, ok := value.(float64); ok {
					form.Set(name, fmt.Sprintf("%.0f", n))
				}
			}
			a.header.Set("Content-Type", "application/x-www-form-urlencoded")
			a.body = []byte(form.Encode())
		}},
		{Kind: "string", About: "the JSON stands in a string of JSON", change: func(a *played) { a.body = quoted(a.body) }},
		{Kind: "list", About: "a list around the object", change: around("[", "]")},
		{Kind: "nested", About: "the object stands under data", change: around(`{"status":"ok","data":`, "}")},
		{Kind: "jsonp", About: "a call around the object", change: around("callback(", ");")},
		{Kind: "page", About: "a page around the object", change: func(a *played) {
			a.header.Set("Content-Type", "text/html")
			a.body = []byte("<html><body><pre>" + html.EscapeString(string(a.body)) + "</pre></body></html>")
		}},
		{Kind: "behind", About: "text behind the object", change: around("", "\n<!-- served by a proxy -->\n")},
		{Kind: "single-quotes", About: "single quotes", change: func(a *played) { a.body = bytes.ReplaceAll(a.body, []byte(`"`), []byte(`'`)) }},
		{Kind: "xml", About: "XML instead of JSON", change: func(a *played) {
			a.body = []byte("<oauth><access_token>" + between(string(a.body), `"access_token":"`, `"`) + "</access_token><refresh_token>" + a.refresh + "</refresh_token></oauth>")
		}},
		{Kind: "base64", About: "in base64", change: func(a *played) { a.body = []byte(base64.StdEncoding.EncodeToString(a.body)) }},
		{Kind: "utf-16", About: "UTF-16 with its mark", change: func(a *played) {
			b := []byte{0xff, 0xfe}
			for _, u := range utf16.Encode([]rune(string(a.body))) {
				b = append(b, byte(u), byte(u>>8))
			}
			a.body = b
		}},
		{Kind: "latin-1", About: "a name in Latin-1 beside the tokens", change: func(a *played) { a.replace("{", "{\"user_name\":\"M\xfcller\",") }},
		{Kind: "gzip", About: "gzip that was not asked for", change: coded("gzip", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })},
		{Kind: "deflate", About: "deflate with a zlib header", change: coded("deflate", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })},
		{Kind: "deflate-raw", About: "deflate without one", change: coded("deflate", func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, flate.DefaultCompression); return f })},
		{Kind: "status-changed", About: "a whole answer with the status 502", change: func(a *played) { a.status = http.StatusBadGateway }},
		{Kind: "zstd", About: "zstd that was not asked for", change: coded("zstd", func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)); return z })},
		{Kind: "brotli", About: "brotli that was not asked for", change: coded("br", func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) })},
	}
}

func memberPlays() []Play {
	set := func(name, text string) func(*played) { return func(a *played) { a.set(name, text) } }
	return []Play{
		{Kind: "life-instant", About: "expires_in is an instant, in seconds since 1970", change: func(a *played) { a.set("expires_in", fmt.Sprint(time.Now().Add(time.Hour).Unix())) }},
		{Kind: "life-milliseconds", About: "expires_in is an instant in milliseconds", change: func(a *played) { a.set("expires_in", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())) }},
		{Kind: "life-text", About: "expires_in is a text", change: set("expires_in", `"3600"`)},
		{Kind: "life-fraction", About: "expires_in has a fraction", change: set("expires_in", "3600.5")},
		{Kind: "life-huge", About: "expires_in is huge", change: set("expires_in", "9223372036854775807")},
		{Kind: "life-zero", About: "expires_in is zero", change: set("expires_in", "0")},
		{Kind: "life-negative", About: "expires_in is negative", change: set("expires_in", "-1")},
		{Kind: "type-blank", About: "token_type has blanks", change: set("token_type", `" Bearer "`)},
		{Kind: "type-bot", About: "token_type is bot", change: set("token_type", `"bot"`)},
		{Kind: "type-jwt-bearer", About: "token_type is jwt-bearer", change: set("token_type", `"jwt-bearer"`)},
		{Kind: "type-mac", About: "token_type is mac, which is another scheme", change: set("token_type", `"mac"`)},
		{Kind: "type-dpop", About: "token_type is DPoP, which is another scheme", change: set("token_type", `"DPoP"`)},
		{Kind: "window-keycloak", About: "the window as Keycloak names it", change: func(a *played) { a.replace("refresh_token_expires_in", "refresh_expires_in") }},
		{Kind: "window-intuit", About: "the window as Intuit names it", change: func(a *played) { a.replace("refresh_token_expires_in", "x_refresh_token_expires_in") }},
		{Kind: "window-at", About: "the window as an instant", change: func(a *played) {
			a.replace("refresh_token_expires_in", "left_out")
			a.set("refresh_token_expires_at", fmt.Sprint(time.Now().Add(90*24*time.Hour).Unix()))
		}},
		{Kind: "scope-commas", About: "scopes between commas", change: func(a *played) {
			a.set("scope", `"`+strings.ReplaceAll(between(string(a.body), `"scope":"`, `"`), " ", ",")+`"`)
		}},
		{Kind: "scope-case", About: "scopes in upper case", change: func(a *played) { a.set("scope", `"`+strings.ToUpper(between(string(a.body), `"scope":"`, `"`))+`"`) }},
	}
}

func refusalPlays() []Play {
	refuse := func(status int, body string) func(*played) { return func(a *played) { a.refuse(status, body) } }
	after := func(status int, value ...string) func(*played) {
		return func(a *played) {
			a.header["Retry-After"] = value
			a.refuse(status, `{"error":"temporarily_unavailable"}`)
		}
	}
	return []Play{
		{Kind: "dead-dex", About: "a dead refresh token in the words of dex", change: refuse(400, `{"error":"invalid_request","error_description":"Refresh token is invalid or has already been claimed by another client."}`)},
		{Kind: "dead-github", About: "the same with GitHub's code, inside 200", change: refuse(200, `{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}`)},
		{Kind: "dead-object", About: "the same with an object as error", change: refuse(400, `{"error":{"code":400,"message":"The refresh token is expired."}}`)},
		{Kind: "limit-code", About: "the account holds too many tokens, as a code", change: refuse(400, `{"error":"tokenlimit_reached","error_description":"Token limit reached"}`)},
		{Kind: "limit-words", About: "the same in Webex's words, with a number for a code", change: refuse(400, `{"message":"unable to issue access token: tokenlimit_reached","errors":[{"description":"tokenlimit_reached"}],"trackingId":"T"}`)},
		{Kind: "client-refused", About: "invalid_client", change: refuse(401, `{"error":"invalid_client"}`)},
		{Kind: "client-bare", About: "a 401 without a word", change: refuse(http.StatusUnauthorized, ``)},
		{Kind: "client-scope", About: "invalid_scope", change: refuse(400, `{"error":"invalid_scope"}`)},
		{Kind: "words-text", About: "a plain text", change: func(a *played) { a.header.Set("Content-Type", "text/plain"); a.refuse(400, "come back at noon") }},
		{Kind: "retry-forbidden", About: "403 with Retry-After", change: after(403, "5")},
		{Kind: "retry-inside", About: "an error inside 200 with Retry-After", change: after(200, "5")},
		{Kind: "retry-fraction", About: "Retry-After with a fraction", change: after(503, "5.5")},
		{Kind: "retry-unit", About: "Retry-After with a unit", change: after(500, "5s")},
		{Kind: "retry-doubled", About: "Retry-After doubled by a proxy", change: after(429, "5, 5")},
		{Kind: "retry-date", About: "Retry-After as a date in another form", change: func(a *played) {
			after(408, time.Now().Add(5*time.Second).UTC().Format(time.RFC3339))(a)
		}},
	}
}
