package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"webex-tokend/daemon/api"
	"webex-tokend/daemon/wire"
)

func TestABackupThatEndsEarlyIsNotTakenForAWholeOne(t *testing.T) {
	for _, c := range []struct {
		name  string
		size  int64
		whole bool
	}{
		{"whole", 5 << 20, true},
		{"a byte short", 5<<20 + 1, false},
	} {
		h := begin(t, func(cfg *api.Config) {
			cfg.Sealed.Backup = func(context.Context) (io.ReadCloser, int64, error) {
				return io.NopCloser(strings.NewReader(strings.Repeat("x", 5<<20))), c.size, nil
			}
		})
		resp := send(t, h.as(t, os.Geteuid()), "GET", "/v1/backup", "")
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if (err == nil) != c.whole || n != 5<<20 {
			t.Errorf("%s: %d bytes and %v", c.name, n, err)
		}
	}
}

func TestARotationTellsItsProgressAndHowItEnded(t *testing.T) {
	for _, c := range []struct {
		name   string
		rotate func(context.Context, func(wire.Rotation) error) error
		status int
		body   string
	}{
		{"it ends well", func(_ context.Context, tell func(wire.Rotation) error) error {
			return errors.Join(tell(wire.Rotation{Records: 1, Of: 2}), tell(wire.Rotation{Records: 2, Of: 2, Done: true}))
		}, http.StatusOK, `{"records":1,"of":2,"done":false}` + "\n" + `{"records":2,"of":2,"done":true}` + "\n"},
		{"it fails on its way", func(_ context.Context, tell func(wire.Rotation) error) error {
			return errors.Join(tell(wire.Rotation{Records: 1, Of: 2}), errors.New("disk is full"))
		}, http.StatusOK, `{"records":1,"of":2,"done":false}` + "\n" + `{"records":0,"of":0,"done":false,"error":"disk is full"}` + "\n"},
		{"it does not begin", func(context.Context, func(wire.Rotation) error) error {
			return errors.New("disk is full")
		}, http.StatusInternalServerError, `{"title":"Internal Server Error","status":500,"detail":"disk is full","state":"","reason":"","action":""}` + "\n"},
	} {
		h := begin(t, func(cfg *api.Config) { cfg.Sealed.Rotate = c.rotate })
		if status, body := ask(t, h.as(t, os.Geteuid()), "POST", "/v1/key/rotate"); status != c.status || body != c.body {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
}
