package emulator_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"webex-tokend/daemon/emulator"
)

func TestTheFrontPageNamesClientsAndEndpoints(t *testing.T) {
	for _, cfg := range []emulator.Config{{}, {Calm: true, Rotate: true, Window: emulator.Fixed}} {
		e := emulator.New(cfg)
		page := get(t, e, "/", "")
		want(t, "status", page.status, 200)
		for _, k := range emulator.Kinds() {
			c := e.Client(k)
			for _, text := range []string{c.ID, c.Secret, c.Name} {
				want(t, "page has "+text, strings.Contains(page.body, text), true)
			}
		}
		for _, path := range []string{emulator.TokenPath, emulator.DeviceTokenPath, emulator.RoomsPath} {
			want(t, "page has "+path, strings.Contains(page.body, path), true)
		}
		want(t, "calm", strings.Contains(page.body, "calm"), cfg.Calm)
	}
}

func TestPagesNeedNothingFromElsewhereAndKeepToThemselves(t *testing.T) {
	e := emulator.New(emulator.Config{})
	elsewhere := regexp.MustCompile(`(?i)<(script|link|img|iframe)|@import|url\(|\son\w+=`)
	want(t, "the pattern finds a script", elsewhere.MatchString(`<script src="x">`), true)
	for _, path := range []string{"/", emulator.VerifyPath, authorizeURL(e, emulator.REST, nil), emulator.AuthorizePath} {
		page := get(t, e, path, "")
		if found := elsewhere.FindString(page.body); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		want(t, "type", page.header.Get("Content-Type"), "text/html; charset=utf-8")
		want(t, "referrer", page.header.Get("Referrer-Policy"), "no-referrer")
		want(t, "policy is set", page.header.Get("Content-Security-Policy") != "", true)
		want(t, "dark mode", strings.Contains(page.body, "prefers-color-scheme: dark"), true)
		want(t, "whole", strings.HasSuffix(strings.TrimSpace(page.body), "</html>"), true)
	}
}

func TestWhatAClientSendsIsShownAsText(t *testing.T) {
	e := emulator.New(emulator.Config{})
	page := get(t, e, authorizeURL(e, emulator.REST, map[string][]string{"login_hint": {`"><script>alert(1)</script>`}}), "")
	want(t, "status", page.status, 200)
	want(t, "a script", strings.Contains(page.body, "<script>"), false)
}

func TestUnknownPathsAndMethodsAreRefused(t *testing.T) {
	e := emulator.New(emulator.Config{})
	want(t, "path", get(t, e, "/v1/nothing", "").status, http.StatusNotFound)
	want(t, "method", get(t, e, emulator.TokenPath, "").status, http.StatusMethodNotAllowed)
}

func TestTheAnnouncementCanBeImportedAndRefreshed(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	text, err := json.Marshal(e.Announcement("http://127.0.0.1:8410"))
	if err != nil {
		t.Fatal(err)
	}
	var a emulator.Announcement
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	want(t, "url", a.URL, "http://127.0.0.1:8410")
	want(t, "client of the top level", a.ClientID, a.Clients[emulator.REST].ClientID)
	want(t, "secret of the top level", a.ClientSecret, a.Clients[emulator.REST].ClientSecret)
	for _, k := range emulator.Kinds() {
		c := a.Clients[k]
		want(t, "client", c.ClientID, e.Client(k).ID)
		want(t, "token_url", c.TokenURL, a.URL+tokenPath(k))
		var response struct {
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal(a.Responses[k], &response); err != nil {
			t.Fatal(err)
		}
		want(t, "refresh", refresh(t, e, k, response.Refresh).status, 200)
	}
	want(t, "a device client is configured as", a.Clients[emulator.Device].ConfigKind, emulator.REST)
}
