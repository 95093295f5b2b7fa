package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

// An outcome is what a client sees of a faulty answer.
type outcome struct {
	status  int
	header  http.Header
	body    string
	sendErr error // no answer at all
	readErr error // the body broke off
}

func observe(client *http.Client, r *http.Request) outcome {
	response, err := client.Do(r)
	if err != nil {
		return outcome{sendErr: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return outcome{status: response.StatusCode, header: response.Header, body: string(body), readErr: err}
}

func TestScriptedFaultsLookTheSameInProcessAndOverASocket(t *testing.T) {
	const length = "Content-Length"
	for _, test := range []struct {
		name   string
		answer emulator.Answer
		check  func(t *testing.T, got outcome)
	}{
		{"the server cuts the connection", lab.Cut(), func(t *testing.T, got outcome) {
			want(t, "no answer", got.sendErr != nil, true)
		}},
		{"the answer is lost", lab.Lose(), func(t *testing.T, got outcome) {
			want(t, "no answer", got.sendErr != nil, true)
		}},
		{"the body never comes", lab.Truncate(0), func(t *testing.T, got outcome) {
			want(t, "status", got.status, 200)
			want(t, "body", got.body, "")
			want(t, "broken off", errors.Is(got.readErr, io.ErrUnexpectedEOF), true)
		}},
		{"the body breaks off", lab.Truncate(25), func(t *testing.T, got outcome) {
			want(t, "status", got.status, 200)
			want(t, "length of the body", len(got.body), 25)
			want(t, "broken off", errors.Is(got.readErr, io.ErrUnexpectedEOF), true)
		}},
		{"the body comes byte by byte", lab.Drip(time.Microsecond), func(t *testing.T, got outcome) {
			want(t, "broken off", got.readErr, nil)
			want(t, "whole", json.Valid([]byte(got.body)), true)
		}},
		{"the answer is late", lab.Delay(time.Millisecond), func(t *testing.T, got outcome) {
			want(t, "whole", json.Valid([]byte(got.body)), true)
		}},
		{"the endpoint redirects", lab.Redirect(307, "http://elsewhere.test/steal"), func(t *testing.T, got outcome) {
			want(t, "status", got.status, 307)
			want(t, "location", got.header.Get("Location"), "http://elsewhere.test/steal")
		}},
		{"a portal answers", lab.Reply(200, http.Header{"Content-Type": {"text/html"}}, "<html>Sign in"), func(t *testing.T, got outcome) {
			want(t, "body", got.body, "<html>Sign in")
			want(t, "type", got.header.Get("Content-Type"), "text/html")
		}},
		{"the server limits with nonsense", lab.Limit("rand(30),add(30)"), func(t *testing.T, got outcome) {
			want(t, "status", got.status, 429)
			want(t, "Retry-After", got.header.Get("Retry-After"), "rand(30),add(30)")
		}},
		{"the server limits without a word", lab.Limit(""), func(t *testing.T, got outcome) {
			want(t, "status", got.status, 429)
			want(t, "Retry-After", len(got.header.Values("Retry-After")), 0)
		}},
		{"the header promises more than comes", lab.Reply(200, http.Header{length: {"100"}}, "{"), func(t *testing.T, got outcome) {
			want(t, "body", got.body, "{")
			want(t, "broken off", errors.Is(got.readErr, io.ErrUnexpectedEOF), true)
		}},
		{"fields are changed", lab.Alter(func(f map[string]any) { delete(f, "access_token"); f["expires_in"] = "soon" }), func(t *testing.T, got outcome) {
			want(t, "access token", strings.Contains(got.body, "access_token"), false)
			want(t, "expires_in", strings.Contains(got.body, `"expires_in":"soon"`), true)
			want(t, "other numbers stay whole", strings.Contains(got.body, `"refresh_token_expires_in":7776000`), true)
		}},
		{"nothing is wrong", lab.Behave(), func(t *testing.T, got outcome) {
			want(t, "status", got.status, 200)
		}},
		{"the test answers itself", lab.Func(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.PostForm.Get("grant_type")) }), func(t *testing.T, got outcome) {
			want(t, "body", got.body, "refresh_token")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, socket := range []bool{false, true} {
				e := emulator.New(emulator.Config{Calm: true})
				client, server := inProcess(e), base
				if socket {
					client, server = overSocket(t, e)
				}
				token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
				e.Script(test.answer)
				test.check(t, observe(client, formRequest(t, server+emulator.TokenPath, refreshForm(e, emulator.REST, token))))
				want(t, "answers left", e.Scripted(), 0)
				want(t, "the next refresh", refresh(t, e, emulator.REST, token).status, 200)
			}
		})
	}
}

func TestALostAnswerHasUsedTheRefreshTokenAndACutOneHasNot(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer emulator.Answer
		works  bool
	}{{"cut", lab.Cut(), true}, {"lost", lab.Lose(), false}, {"broken off", lab.Truncate(10), false}} {
		e := emulator.New(emulator.Config{Calm: true, Rotate: true})
		token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
		e.Script(test.answer)
		observe(inProcess(e), formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, token)))
		want(t, test.name+": the token works", e.Valid(token), test.works)
	}
}

func TestAHangingAnswerEndsWithTheClientsPatience(t *testing.T) {
	for _, answer := range []emulator.Answer{lab.Hang(), lab.Delay(time.Hour), lab.Drip(time.Hour), lab.Hold(nil, nil)} {
		synctest.Test(t, func(t *testing.T) {
			e := emulator.New(emulator.Config{Calm: true})
			token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
			e.Script(answer)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			start := time.Now()
			got := observe(inProcess(e), formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, token)).WithContext(ctx))
			err := errors.Join(got.sendErr, got.readErr)
			want(t, "deadline", errors.Is(err, context.DeadlineExceeded), true)
			want(t, "waited", time.Since(start), 30*time.Second)
		})
	}
}

func TestAHeldAnswerHasHappenedBeforeItIsReleased(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true, Rotate: true})
	token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
	arrived, release, done := make(chan struct{}), make(chan struct{}), make(chan outcome)
	e.Script(lab.Hold(arrived, release))
	r := formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, token))
	go func() { done <- observe(inProcess(e), r) }()
	<-arrived
	want(t, "the old token works", e.Valid(token), false)
	close(release)
	got := <-done
	want(t, "status", got.status, 200)
}

func TestAScriptForAPathComesFirstAndLeavesOthersAlone(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	issued := e.Issue(emulator.REST, emulator.Consent{})
	e.Script(lab.Reply(500, nil, ""), lab.Reply(501, nil, ""))
	e.ScriptAt(emulator.MePath, lab.Reply(502, nil, ""))
	e.ScriptAt(emulator.TokenPath, lab.Reply(503, nil, ""))
	want(t, "rooms", get(t, e, emulator.RoomsPath, issued.AccessToken).status, 200)
	for _, status := range []int{503, 500, 501, 200} {
		want(t, "refresh", refresh(t, e, emulator.REST, issued.RefreshToken).status, status)
	}
	want(t, "answers left", e.Scripted(), 1)
	want(t, "people/me", get(t, e, emulator.MePath, issued.AccessToken).status, 502)
}
