package flow

import (
	"errors"
	"html"
	"net/url"
	"strings"
	"testing"
)

const pasted = "http://127.0.0.1:8411/oauth?code=abc-DEF_123&state=xyz~987"

// A pasted address was taken by url.Parse alone: quotes, Markdown and wrapped
// links were refused without a word that helps, and one that a line break had cut
// used the code up.
func TestAPastedAddressIsReadHoweverItCame(t *testing.T) {
	proofpoint := strings.NewReplacer("%", "-", "/", "_").Replace(strings.NewReplacer("-", "%2D", "_", "%5F").Replace(url.QueryEscape(pasted)))
	for name, text := range map[string]string{
		"as it is":                      pasted,
		"with blanks around":            "  " + pasted + "\r\n",
		"with zero-width spaces":        "\u200b" + pasted + "\u200b",
		"in quotes":                     `"` + pasted + `"`,
		"in single quotes":              "'" + pasted + "'",
		"in quotes of a word":           "“" + pasted + "”",
		"in back quotes":                "`" + pasted + "`",
		"in angle brackets":             "<" + pasted + ">",
		"in two pairs":                  "<\"" + pasted + "\">",
		"as Markdown":                   "[" + pasted + "](" + pasted + ")",
		"as Markdown in brackets":       "[here](<" + pasted + ">)",
		"as HTML":                       html.EscapeString(pasted),
		"as HTML by numbers":            strings.ReplaceAll(pasted, "&", "&#38;"),
		"behind backslashes":            strings.NewReplacer("&", `\&`, "?", `\?`, "=", `\=`).Replace(pasted),
		"by SafeLinks":                  "https://eur01.safelinks.protection.outlook.com/?url=" + url.QueryEscape(pasted) + "&data=05%7C01&reserved=0",
		"by SafeLinks as HTML":          "https://eur01.safelinks.protection.outlook.com/?url=" + url.QueryEscape(pasted) + "&amp;data=05%7C01",
		"by Google":                     "https://www.google.com/url?q=" + url.QueryEscape(pasted) + "&sa=D",
		"by Barracuda":                  "https://linkprotect.cudasvc.com/url?a=" + url.QueryEscape(pasted) + "&c=E,1",
		"by Slack":                      "https://slack-redir.net/link?url=" + url.QueryEscape(pasted),
		"by Cisco":                      "https://secure-web.cisco.com/1aBc-d/" + url.PathEscape(pasted),
		"by Proofpoint, second version": "https://urldefense.proofpoint.com/v2/url?u=" + proofpoint + "&d=DwMF",
		"by Proofpoint, third version":  "https://urldefense.com/v3/__" + pasted + "__;!!abc",
		"by two of them":                "https://www.google.com/url?q=" + url.QueryEscape("https://slack-redir.net/link?url="+url.QueryEscape(pasted)),
		"the query alone":               "code=abc-DEF_123&state=xyz~987",
		"from its question mark":        "/oauth?code=abc-DEF_123&state=xyz~987",
		"in the fragment":               "http://127.0.0.1:8411/oauth#code=abc-DEF_123&state=xyz~987",
	} {
		_, query, err := readPasted(text)
		if err != nil || query.Get("code") != "abc-DEF_123" || query.Get("state") != "xyz~987" {
			t.Errorf("%s: %v (%v)", name, query, err)
		}
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"a blank inside":            {strings.Replace(pasted, "DEF", "D EF", 1), errPastedBlank},
		"a line break inside":       {strings.Replace(pasted, "DEF", "D\nEF", 1), errPastedBlank},
		"a zero-width space inside": {strings.Replace(pasted, "DEF", "D\u200bEF", 1), errPastedBlank},
		"words":                     {"the browser said no", errPastedBlank},
		"no address":                {"oauth", errPastedNoURL},
		"no state":                  {"http://127.0.0.1:8411/oauth?code=abc", errPastedNoState},
		"the page of the broker":    {"https://idbroker.webex.com/idb/oauth2/v1/authorize?client_id=x", errPastedNoState},
		"two codes":                 {pasted + "&code=other", errPastedTwice},
		"two states":                {pasted + "&state=other", errPastedTwice},
		"a wrapper without an end":  {"https://a.test/?u=https%3A%2F%2Fb.test", errPastedNoState},
	} {
		if _, _, err := readPasted(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// FuzzReadPasted: no address brings the reader down, and none that it takes has a
// blank in its code.
func FuzzReadPasted(f *testing.F) {
	for _, text := range []string{pasted, "<" + pasted + ">", "[a](" + pasted + ")", "https://a.test/?u=" + url.QueryEscape(pasted), "x?state=%zz"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, query, err := readPasted(text)
		if err == nil && !query.Has("state") {
			t.Errorf("%q was taken without a state", text)
		}
	})
}
