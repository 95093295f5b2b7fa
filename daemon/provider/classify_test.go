package provider_test

import (
	"net/http"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
)

func TestAnErrorAnswerIsClassified(t *testing.T) {
	const (
		malformed = "The request could not be understood by the server due to malformed syntax."
		dead      = "The refresh token provided is expired, revoked, malformed, or invalid."
	)
	gateway := func(description string) string {
		return `{"message":"` + malformed + `","errors":[{"description":"` + description + `"}],"trackingId":"ROUTER_1"}`
	}
	oauth := func(code, description string) string {
		return `{"error":"` + code + `","error_description":"` + description + `"}`
	}
	both := []config.Kind{config.REST, config.Generic}
	webex := []config.Kind{config.REST, config.Meetings}
	other := []config.Kind{config.Generic}
	table := []struct {
		name   string
		kinds  []config.Kind
		status int
		body   string
		want   provider.Kind
	}{
		{"the broker's words of a dead refresh token", webex, 400, `{"error":"invalid_request","error_description":"` + dead + `","trackingID":"t"}`, provider.Rejected},
		{"the gateway's words of a dead refresh token", webex, 400, gateway(dead), provider.Rejected},
		{"the same with 401", webex, 401, gateway(dead), provider.Rejected},
		{"invalid_grant", both, 400, oauth("invalid_grant", ""), provider.Rejected},
		{"invalid_grant with 401", both, 401, oauth("invalid_grant", ""), provider.Rejected},
		{"invalid_refresh_token", both, 400, oauth("invalid_refresh_token", ""), provider.Rejected},
		{"invalid_grant that speaks of the client alone", webex, 400, oauth("invalid_grant", "Invalid client secret"), provider.Misconfigured},
		{"invalid_grant with status 500", both, 500, oauth("invalid_grant", ""), provider.Transient},

		{"the gateway's words of a wrong client", webex, 400, gateway("Client Id is invalid"), provider.Misconfigured},
		{"the gateway's words of a wrong secret", webex, 401, `{"message":"Invalid client credentials","errors":[{"description":"The provided clientSecret is invalid"}]}`, provider.Misconfigured},
		{"the words of api.webex.com", webex, 400, `{"message":"Invalid client secret"}`, provider.Misconfigured},
		{"the words of many libraries", webex, 401, `{"message":"Client authentication failed"}`, provider.Misconfigured},
		{"invalid_client", both, 401, oauth("invalid_client", ""), provider.Misconfigured},
		{"invalid_client with 400", both, 400, oauth("invalid_client", ""), provider.Misconfigured},
		{"unauthorized_client", both, 400, oauth("unauthorized_client", ""), provider.Misconfigured},
		{"unsupported_grant_type", both, 400, oauth("unsupported_grant_type", ""), provider.Misconfigured},
		{"invalid_scope", both, 400, oauth("invalid_scope", ""), provider.Misconfigured},
		{"a bare 401 of a server after the RFC", other, 401, ``, provider.Misconfigured},
		{"a bare 401 of Webex, which can mean one dead grant", webex, 401, ``, provider.Transient},
		{"the gateway's stock phrase with 401", webex, 401, `{"message":"The request requires a valid access token set in the Authorization request header."}`, provider.Transient},

		{"client and refresh token in one breath", webex, 400, gateway("Invalid client_id or refresh_token"), provider.Transient},
		{"a refresh token that did not arrive", webex, 400, gateway("Missing required parameter: refresh_token is invalid"), provider.Transient},
		{"a refresh token that cannot be checked now", webex, 400, gateway("The refresh token could not be verified: unknown state, try again"), provider.Transient},
		{"a refresh token that met an unknown error", webex, 400, gateway("unknown error with refresh token"), provider.Transient},
		{"invalid_request without a word", both, 400, oauth("invalid_request", ""), provider.Transient},
		{"a code that decides beside words of a dead token", both, 400, oauth("server_error", dead), provider.Transient},
		{"access_denied", both, 403, oauth("access_denied", "refresh token"), provider.Transient},
		{"a bare 400", both, 400, ``, provider.Transient},
		{"a bare 403", both, 403, ``, provider.Transient},
		{"a bare 404", both, 404, ``, provider.Transient},
		{"408", both, 408, oauth("invalid_grant", ""), provider.Transient},
		{"423 without patience", both, 423, ``, provider.Transient},
		{"425", both, 425, ``, provider.Transient},
		{"428 of the device flow", both, 428, gateway(""), provider.Transient},
		{"500", both, 500, ``, provider.Transient},
		{"503 with words of a dead token", both, 503, gateway(dead), provider.Transient},
		{"504", both, 504, `<html>`, provider.Transient},
		{"429", both, 429, ``, provider.Limited},
		{"429 with a code", both, 429, oauth("invalid_grant", ""), provider.Limited},

		{"tokenlimit_reached", both, 400, oauth("tokenlimit_reached", ""), provider.Exhausted},
		{"tokenlimit_reached with 429", both, 429, oauth("tokenlimit_reached", ""), provider.Exhausted},
		{"tokenlimit_reached in the gateway's text", webex, 400, gateway("tokenlimit_reached"), provider.Exhausted},

		{"errors that are no list", both, 400, `{"message":"m","errors":"x"}`, provider.Transient},
		{"an error that is an object", both, 400, `{"error":{"code":"invalid_grant"}}`, provider.Rejected},
	}
	for _, row := range table {
		for _, kind := range row.kinds {
			t.Run(row.name+" as "+string(kind), func(t *testing.T) {
				in := integration(t, "http://127.0.0.1")
				in.Kind = kind
				c := client(t, provider.Config{Transport: by(respond(row.status, nil, row.body))})
				_, err := c.Refresh(t.Context(), in, request())
				if f := failure(t, err); f.Kind != row.want || f.Status != row.status || !f.Sent || !f.Answered {
					t.Errorf("kind %d, want %d: %+v", f.Kind, row.want, *f)
				}
			})
		}
	}
}

func TestATrackingIDIsKeptFromWhereverItStands(t *testing.T) {
	for body, want := range map[string]string{
		`{"trackingId":"GTWY_1"}`:  "GTWY_1",
		`{"trackingID":"test123"}`: "test123",
		`{}`:                       "ROUTER_header",
		`<html>`:                   "ROUTER_header",
	} {
		header := http.Header{}
		header.Set("trackingId", "ROUTER_header")
		c := client(t, provider.Config{Transport: by(respond(400, header, body))})
		_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
		if got := failure(t, err).TrackingID; got != want {
			t.Errorf("tracking ID of %s is %q, want %q", body, got, want)
		}
	}
}

func TestRetryAfterIsBelievedWithinBounds(t *testing.T) {
	const date = "Fri, 02 Jan 2026 03:04:05 GMT"
	table := []struct {
		name   string
		status int
		header string
		want   time.Duration
		kind   provider.Kind
	}{
		{"seconds", 429, "17", 17 * time.Second, provider.Limited},
		{"zero is a second", 429, "0", time.Second, provider.Limited},
		{"a day is an hour", 429, "86400", time.Hour, provider.Limited},
		{"more seconds than any number holds", 429, "99999999999999999999999", time.Hour, provider.Limited},
		{"a date by the server's own clock", 429, "Fri, 02 Jan 2026 03:04:35 GMT", 30 * time.Second, provider.Limited},
		{"a date that is past", 429, "Fri, 02 Jan 2026 03:00:00 GMT", time.Second, provider.Limited},
		{"garbage seen in the field", 429, "rand(30),add(30)", 0, provider.Limited},
		{"a negative number", 429, "-5", 0, provider.Limited},
		{"a fraction", 429, "1.5", 1500 * time.Millisecond, provider.Limited},
		{"a unit", 429, "30s", 30 * time.Second, provider.Limited},
		{"a unit in words", 429, "2 minutes", 2 * time.Minute, provider.Limited},
		{"milliseconds", 429, "2500ms", 2500 * time.Millisecond, provider.Limited},
		{"doubled by a proxy", 429, "17, 17", 17 * time.Second, provider.Limited},
		{"two that differ", 429, "5, 90", 90 * time.Second, provider.Limited},
		{"a date doubled by a proxy", 429, "Fri, 02 Jan 2026 03:04:35 GMT, Fri, 02 Jan 2026 03:04:35 GMT", 30 * time.Second, provider.Limited},
		{"an instant of RFC 3339", 429, "2026-01-02T03:05:05Z", time.Minute, provider.Limited},
		{"seconds since 1970", 429, "1767323105", time.Minute, provider.Limited},
		{"in quotes", 429, `"17"`, 17 * time.Second, provider.Limited},
		{"nothing", 429, "", 0, provider.Limited},
		{"with 503 it is a limit", 503, "17", 17 * time.Second, provider.Limited},
		{"503 without it is not", 503, "soon", 0, provider.Transient},
		{"with 423 it is a limit", 423, "17", 17 * time.Second, provider.Limited},
		{"with 400", 400, "17", 17 * time.Second, provider.Limited},
		{"with 403", 403, "17", 17 * time.Second, provider.Limited},
		{"with 408", 408, "17", 17 * time.Second, provider.Limited},
		{"with 500", 500, "17", 17 * time.Second, provider.Limited},
		{"with 502 and garbage", 502, "x", 0, provider.Transient},
		{"with an error inside 200", 200, "17", 17 * time.Second, provider.Limited},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			header := http.Header{"Retry-After": {row.header}, "Date": {date}}
			c := client(t, provider.Config{Transport: by(respond(row.status, header, `{"error":"temporarily_unavailable"}`))})
			_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
			if f := failure(t, err); f.RetryAfter != row.want || f.Kind != row.kind {
				t.Errorf("retry after %v, kind %d; want %v, %d", f.RetryAfter, f.Kind, row.want, row.kind)
			}
		})
	}
}

func TestADateByOurClockServesWhereTheServerTellsNone(t *testing.T) {
	header := http.Header{"Retry-After": {time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat)}}
	c := client(t, provider.Config{Transport: by(respond(429, header, ``))})
	_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), request())
	if f := failure(t, err); f.RetryAfter <= 20*time.Minute || f.RetryAfter > 30*time.Minute {
		t.Errorf("retry after %v, want about 30m", f.RetryAfter)
	}
}
