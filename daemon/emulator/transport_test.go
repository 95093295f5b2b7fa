package emulator_test

import (
	"context"
	"errors"
	"net/http/httptrace"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
)

func TestTheTraceIsToldOfAConnectionBeforeTheServerSeesTheRequest(t *testing.T) {
	for _, down := range []bool{false, true} {
		e := emulator.New(emulator.Config{Calm: true})
		e.Down(down)
		var told []string
		trace := &httptrace.ClientTrace{
			GetConn: func(string) { told = append(told, "get") },
			GotConn: func(httptrace.GotConnInfo) {
				told = append(told, "got")
				want(t, "calls at that time", len(e.Calls()), 0)
			},
			WroteRequest: func(httptrace.WroteRequestInfo) { told = append(told, "wrote") },
		}
		r := formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, "x"))
		got := observe(inProcess(e), r.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		wanted := []string{"get", "got", "wrote"}
		if down {
			wanted = wanted[:1]
			want(t, "refused", errors.Is(got.sendErr, syscall.ECONNREFUSED), true)
		}
		if !slices.Equal(told, wanted) {
			t.Errorf("down %v: the trace was told %v, want %v", down, told, wanted)
		}
	}
}

func TestAnOutageHasItsHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true})
		token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
		e.DownBetween(time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
		up := func() bool {
			return observe(inProcess(e), formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, token))).sendErr == nil
		}
		want(t, "before", up(), true)
		time.Sleep(time.Hour)
		want(t, "at its start", up(), false)
		time.Sleep(time.Hour - time.Millisecond)
		want(t, "just before its end", up(), false)
		time.Sleep(time.Millisecond)
		want(t, "at its end", up(), true)
		want(t, "unreachable", e.Stats().Unreachable, 2)
		want(t, "requests", e.Stats().Requests, 2)
	})
}

func TestOverASocketADownServerCutsTheConnection(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	client, server := overSocket(t, e)
	e.Down(true)
	got := observe(client, formRequest(t, server+emulator.TokenPath, refreshForm(e, emulator.REST, "x")))
	want(t, "no answer", got.sendErr != nil, true)
	e.Down(false)
	got = observe(client, formRequest(t, server+emulator.TokenPath, refreshForm(e, emulator.REST, "x")))
	want(t, "status", got.status, 400)
}

func TestLatencyPassesBeforeAnythingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := emulator.New(emulator.Config{Calm: true, Latency: 150 * time.Millisecond, Rotate: true})
		token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
		ctx, cancel := context.WithTimeout(t.Context(), 149*time.Millisecond)
		defer cancel()
		r := formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, token))
		got := observe(inProcess(e), r.WithContext(ctx))
		want(t, "deadline", errors.Is(got.sendErr, context.DeadlineExceeded), true)
		synctest.Wait()
		want(t, "the token works", e.Valid(token), true)
		start := time.Now()
		want(t, "status", refresh(t, e, emulator.REST, token).status, 200)
		want(t, "waited", time.Since(start), 150*time.Millisecond)
	})
}

func TestARequestWhoseContextHasEndedIsNotSent(t *testing.T) {
	e := emulator.New(emulator.Config{Calm: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := observe(inProcess(e), formRequest(t, base+emulator.TokenPath, refreshForm(e, emulator.REST, "x")).WithContext(ctx))
	want(t, "canceled", errors.Is(got.sendErr, context.Canceled), true)
	want(t, "requests", e.Stats().Requests, 0)
}

func TestManyClientsAtOnceLoseNothing(t *testing.T) {
	e := emulator.New(emulator.Config{Rotate: true, Grace: time.Hour})
	client, server := overSocket(t, e)
	var work sync.WaitGroup
	for i := range 8 {
		token := e.Issue(emulator.REST, emulator.Consent{}).RefreshToken
		work.Go(func() {
			for range 50 {
				r := formRequest(t, server+emulator.TokenPath, refreshForm(e, emulator.REST, token))
				got := send(t, client, r)
				if i%2 == 0 {
					e.Calls()
					working(e)
				}
				if next := got.text("refresh_token"); next != "" {
					token = next
				}
			}
			want(t, "the last token works", e.Valid(token), true)
		})
	}
	work.Wait()
	want(t, "requests", e.Stats().Requests, 400)
}
