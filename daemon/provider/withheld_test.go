package provider_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"webex-tokend/daemon/provider"
)

func TestWhatMayNotDepartStaysHere(t *testing.T) {
	late := errors.New("too late")
	c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
		text, err := io.ReadAll(req.Body)
		if len(text) > 0 {
			t.Errorf("the body gave out %d bytes", len(text))
		}
		return nil, err
	}))})
	r := request()
	r.MayDepart = func() error { return late }
	_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), r)
	if f := failure(t, err); f.Sent || !errors.Is(f.Withheld, late) {
		t.Errorf("failure %+v", *f)
	}
}

// A connection that is found closed brings a second body, perhaps much later.
func TestASecondBodyAsksAgain(t *testing.T) {
	asked := 0
	c := client(t, provider.Config{Transport: by(roundTrip(func(req *http.Request) (*http.Response, error) {
		_, _ = io.ReadAll(req.Body)
		again, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(again)
		if len(text) > 0 || asked != 2 {
			t.Errorf("the second body gave out %d bytes after %d questions", len(text), asked)
		}
		return nil, err
	}))})
	r := request()
	r.MayDepart = func() error {
		if asked++; asked > 1 {
			return errors.New("too late")
		}
		return nil
	}
	_, err := c.Refresh(t.Context(), integration(t, "http://127.0.0.1"), r)
	if f := failure(t, err); !f.Sent || f.Withheld != nil {
		t.Errorf("the first body may have left: failure %+v", *f)
	}
}
