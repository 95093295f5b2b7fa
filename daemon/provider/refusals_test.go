package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
)

// dex answers invalid_request, GitHub a code of its own inside 200: both were
// tried again for ever.
func TestADeadRefreshTokenInWordsIsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		body   string
	}{
		"dex":                    {400, `{"error":"invalid_request","error_description":"Refresh token is invalid or has already been claimed by another client."}`},
		"dex, of a token unread": {400, `{"error":"invalid_request","error_description":"Invalid refresh token"}`},
		"GitHub":                 {200, `{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}`},
		"Spring":                 {401, `{"error":"invalid_token","error_description":"Invalid refresh token (expired): eyJ"}`},
		"an object":              {400, `{"error":{"code":"invalid_request","message":"The refresh token is expired."}}`},
		"a list of texts":        {400, `{"errors":["Refresh token has been revoked"]}`},
		"a list of objects":      {400, `{"errors":[{"title":"Bad Request","detail":"refresh_token is expired"}]}`},
		"message":                {400, `{"message":"refresh token not found"}`},
		"reason":                 {403, `{"status":"error","reason":"refresh_token revoked"}`},
		"detail of RFC 9457":     {400, `{"type":"about:blank","title":"Bad Request","detail":"the refresh token is invalid"}`},
		"a form":                 {400, `error=invalid_request&error_description=The+refresh+token+is+expired`},
		"a number of WeChat":     {200, `{"errcode":40030,"errmsg":"invalid refresh_token"}`},
		"upper case":             {400, `{"error":"INVALID_GRANT"}`},
		"a code alone":           {400, `{"error":"refresh_token_expired"}`},
	} {
		for _, kind := range []config.Kind{config.Generic, config.REST} {
			in := integration(t, "http://127.0.0.1")
			in.Kind = kind
			c := client(t, provider.Config{Transport: by(respond(row.status, nil, row.body))})
			_, err := c.Refresh(t.Context(), in, request())
			if f := failure(t, err); f.Kind != provider.Rejected {
				t.Errorf("%s as %s: kind %d, code %s, %s", name, kind, f.Kind, f.Code, f.Description)
			}
		}
	}
	for name, body := range map[string]string{
		"a parameter that did not arrive": `{"error":"invalid_request","error_description":"Missing required parameter refresh_token"}`,
		"what passes":                     `{"error":"invalid_request","error_description":"refresh token could not be validated, try again"}`,
		"another parameter":               `{"error":"invalid_request","error_description":"redirect_uri is invalid"}`,
		"nothing":                         `{"error":"invalid_request"}`,
		"an unknown error":                `{"message":"unknown error"}`,
	} {
		in := integration(t, "http://127.0.0.1")
		in.Kind = config.Generic
		c := client(t, provider.Config{Transport: by(respond(400, nil, body))})
		_, err := c.Refresh(t.Context(), in, request())
		if f := failure(t, err); f.Kind != provider.Transient {
			t.Errorf("%s: kind %d", name, f.Kind)
		}
	}
}

func TestTheServersOwnWordsAreShownWhereverTheyStand(t *testing.T) {
	long := strings.Repeat("y", 500)
	for name, row := range map[string]struct{ kind, body string }{
		"error_description": {"", `{"error":"x","error_description":"come back at noon"}`},
		"errors as objects": {"", `{"message":"stock phrase","errors":[{"description":"come back at noon"}]}`},
		"errors as texts":   {"", `{"errors":["come back at noon"]}`},
		"an object":         {"", `{"error":{"code":7,"message":"come back at noon"}}`},
		"message":           {"", `{"message":"come back at noon"}`},
		"reason":            {"", `{"reason":"come back at noon"}`},
		"detail":            {"", `{"title":"Forbidden","detail":"come back at noon"}`},
		"errorMessage":      {"", `{"errorMessage":"come back at noon"}`},
		"errorSummary":      {"", `{"errorCode":"E0000011","errorSummary":"come back at noon"}`},
		"a sentence":        {"", `{"error":"come back at noon"}`},
		"a text":            {"text/plain; charset=utf-8", "come back at noon\n"},
		"a secret in it":    {"", `{"message":"come back at noon, ` + clientSecret + ` ` + refreshToken + `"}`},
		"too much of it":    {"", `{"message":"come back at noon ` + long + `"}`},
	} {
		c := client(t, provider.Config{Transport: by(respond(403, http.Header{"Content-Type": {row.kind}}, row.body))})
		a, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
		checkPrivacy(t, a, err)
		if f := failure(t, err); !strings.HasPrefix(f.Description, "come back at noon") || len(f.Description) > 200 {
			t.Errorf("%s: %q", name, f.Description)
		}
	}
}

func TestADeviceFlowStartsFromWhateverServersAnswer(t *testing.T) {
	const uri = `"verification_uri":"https://x.example/d"`
	for name, row := range map[string]struct{ body, code, url string }{
		"the RFC":                          {`{"device_code":"d","user_code":"AB-12",` + uri + `}`, "AB-12", "https://x.example/d"},
		"the name that Google has":         {`{"device_code":"d","user_code":"AB-12","verification_url":"https://x.example/d"}`, "AB-12", "https://x.example/d"},
		"a code that is a number":          {`{"device_code":"d","user_code":729703,` + uri + `}`, "729703", "https://x.example/d"},
		"numbers as texts":                 {`{"device_code":"d","user_code":"1","expires_in":"300","interval":"5",` + uri + `}`, "1", "https://x.example/d"},
		"a complete link of no use":        {`{"device_code":"d","user_code":"1","verification_uri_complete":"nonsense",` + uri + `}`, "1", "https://x.example/d"},
		"an interval of no use":            {`{"device_code":"d","user_code":"1","interval":"soon","expires_in":null,` + uri + `}`, "1", "https://x.example/d"},
		"a complete link and no other":     {`{"device_code":"d","user_code":"1","verification_uri_complete":"https://x.example/d?c=1"}`, "1", "https://x.example/d?c=1"},
		"camel case":                       {`{"deviceCode":"d","userCode":"1","verificationUri":"https://x.example/d"}`, "1", "https://x.example/d"},
		"a link with blanks at either end": {`{"device_code":"d","user_code":"1","verification_uri":" https://x.example/d "}`, "1", "https://x.example/d"},
	} {
		in := integration(t, "http://127.0.0.1")
		in.Kind = config.Generic
		c := client(t, provider.Config{Transport: by(respond(200, nil, row.body))})
		d, err := c.StartDevice(t.Context(), in)
		if err != nil || d.Code.Reveal() != "d" || d.UserCode != row.code || d.URL != row.url || d.Interval <= 0 {
			t.Errorf("%s: code %q at %q, %v", name, d.UserCode, d.URL, err)
		}
	}
	for lacks, body := range map[string]string{
		"device_code": `{"user_code":"1",` + uri + `}`, "user_code": `{"device_code":"d",` + uri + `}`,
		"no verification_uri": `{"device_code":"d","user_code":"1"}`, "no address": `{"device_code":"d","user_code":"1","verification_uri":"javascript:x"}`,
		"no JSON object": "<html>",
	} {
		c := client(t, provider.Config{Transport: by(respond(200, nil, body))})
		_, err := c.StartDevice(t.Context(), integration(t, "http://127.0.0.1"))
		if f := failure(t, err); !strings.Contains(f.Description, lacks) {
			t.Errorf("the failure of %s says %q", body, f.Description)
		}
	}
}

func TestADeviceFlowNamesItsClientInTheForm(t *testing.T) {
	for _, style := range []config.AuthStyle{config.Basic, config.InBody} {
		for _, kind := range []config.Kind{config.Generic, config.REST} {
			var form url.Values
			in := integration(t, "http://127.0.0.1")
			in.Kind, in.AuthStyle, in.DeviceAuthorizeURL = kind, style, "http://127.0.0.1/device"
			c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
				_ = req.ParseForm()
				form = req.PostForm
				return respond(400, nil, "{}")(req)
			}))})
			_, _ = c.StartDevice(t.Context(), in)
			if form.Get("client_id") != in.ClientID {
				t.Errorf("with %v as %s the form is %v", style, kind, form)
			}
			_, _ = c.PollDevice(t.Context(), in, request().Token)
			if form.Get("client_id") != in.ClientID || form.Get("device_code") == "" {
				t.Errorf("with %v as %s the poll is %v", style, kind, form)
			}
		}
	}
}
