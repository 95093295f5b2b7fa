package emulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/emulator/lab"
)

func TestCallsSayWhoAskedForWhatAndWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true})
		issued := e.Issue(emulator.REST, emulator.Consent{})
		start := time.Now()
		e.Script(lab.Limit("7"), lab.Cut())
		refresh(t, e, emulator.REST, issued.RefreshToken)
		time.Sleep(7 * time.Second)
		observe(inProcess(e), formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, issued.RefreshToken)))
		time.Sleep(time.Minute)
		refresh(t, e, emulator.REST, issued.RefreshToken)
		get(t, e, emulator.MePath, issued.AccessToken)

		id := e.Client(emulator.REST).ID
		token := emulator.Call{Method: "POST", Path: emulator.TokenPath, Client: id, GrantType: "refresh_token", Grant: issued.Grant}
		limited, cut, good := token, token, token
		limited.At, limited.Status, limited.RetryAfter, limited.Scripted = start, 429, "7", true
		cut.At, cut.Scripted = start.Add(7*time.Second), true
		good.At, good.Status = start.Add(67*time.Second), 200
		me := emulator.Call{At: good.At, Method: "GET", Path: emulator.MePath, Status: 200}
		wanted := []emulator.Call{limited, cut, good, me}
		calls := e.Calls()
		if len(calls) != len(wanted) {
			t.Fatalf("%d calls, want %d", len(calls), len(wanted))
		}
		for i := range wanted {
			want(t, "call", calls[i], wanted[i])
		}
	})
}

func TestOnlyTheLatestCallsAreKept(t *testing.T) {
	for _, keep := range []int{-1, 3} {
		e := emulator.New(emulator.Config{Calm: true, KeepCalls: keep})
		for _, path := range []string{"/a", "/b", "/c", "/d", "/e"} {
			get(t, e, path, "")
		}
		paths := ""
		for _, call := range e.Calls() {
			want(t, "status", call.Status, 404)
			paths += call.Path
		}
		wanted := "/c/d/e"
		if keep < 0 {
			wanted = ""
		}
		want(t, "paths", paths, wanted)
		want(t, "requests", e.Stats().Requests, 5)
	}
}
