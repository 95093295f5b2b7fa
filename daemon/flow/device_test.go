package flow_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/flow"
	"webex-tokend/daemon/wire"
)

// now is how a consent stands.
func (h *host) now(id string) wire.Authorization {
	h.t.Helper()
	a, found := h.consents.Authorization(id)
	if !found {
		h.t.Fatal("the consent is not known")
	}
	return a
}

func TestTheDeviceFlowEndsAsThePersonDecides(t *testing.T) {
	for name, shape := range map[string]emulator.Shape{"in the words of the gateway": emulator.Gateway, "in codes": emulator.Broker} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, emulator.Config{Errors: shape}, "")
				granted, denied, expired, cancelled := h.begin("screen", flow.Options{Device: true}), h.begin("screen", flow.Options{Device: true}),
					h.begin("screen", flow.Options{Device: true}), h.begin("screen", flow.Options{Device: true})
				if len(granted.UserCode) != 6 || !strings.HasSuffix(granted.URL, "/verify") || !strings.Contains(granted.URLComplete, "userCode=") {
					t.Fatalf("begun %+v", granted)
				}
				time.Sleep(time.Minute)
				if a := h.now(granted.ID); a.State != wire.Waiting {
					t.Fatalf("before anybody decided: %+v", a)
				}
				h.webex.ApproveDevice(granted.UserCode, alex)
				h.webex.DenyDevice(denied.UserCode)
				h.webex.ApproveDevice(cancelled.UserCode, kim)
				h.consents.Cancel(cancelled.ID)
				time.Sleep(10 * time.Second)
				if out := h.done(h.now(granted.ID)); out.Person == nil || out.Person.Email != alex {
					t.Errorf("granted: %+v", out)
				}
				h.failed(h.now(denied.ID), "declined", "begin again")
				if _, found := h.consents.Authorization(cancelled.ID); found {
					t.Error("a cancelled consent is known")
				}
				time.Sleep(5 * time.Minute)
				h.failed(h.now(expired.ID), "in time", "begin again")
				if err := h.fleet.Refresher.Refresh(t.Context(), "screen"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestSlowDownLengthensTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		var polls []time.Time
		h.between = func(req *http.Request, pass http.RoundTripper) (*http.Response, error) {
			if !strings.HasSuffix(req.URL.Path, "/device/token") {
				return pass.RoundTrip(req)
			}
			polls = append(polls, time.Now())
			if len(polls) <= 2 {
				return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: http.NoBody}, nil
			}
			return pass.RoundTrip(req)
		}
		a := h.begin("screen", flow.Options{Device: true})
		time.Sleep(time.Minute)
		h.consents.Cancel(a.ID)
		synctest.Wait()
		if len(polls) < 4 {
			t.Fatalf("%d polls", len(polls))
		}
		for i, want := range []time.Duration{7 * time.Second, 12 * time.Second, 12 * time.Second} {
			if got := polls[i+1].Sub(polls[i]); got != want {
				t.Errorf("poll %d came after %v, want %v", i+2, got, want)
			}
		}
	})
}

func TestARestOfTroubleDoesNotEndTheDeviceFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, emulator.Config{}, "")
		polls := 0
		h.between = func(req *http.Request, pass http.RoundTripper) (*http.Response, error) {
			if strings.HasSuffix(req.URL.Path, "/device/token") {
				polls++
				switch polls {
				case 1:
					return &http.Response{StatusCode: http.StatusBadGateway, Header: http.Header{}, Body: http.NoBody}, nil
				case 2:
					return nil, &url.Error{Op: "Post", Err: http.ErrServerClosed}
				}
			}
			return pass.RoundTrip(req)
		}
		a := h.begin("screen", flow.Options{Device: true})
		h.webex.ApproveDevice(a.UserCode, alex)
		time.Sleep(20 * time.Second)
		h.done(h.now(a.ID))
	})
}
