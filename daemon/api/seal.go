package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"webex-tokend/daemon/wire"
)

// A caller has chunkTimeout for each piece of a long answer.
const chunkTimeout = time.Minute

// WrappingKeys manages the keys that open the store.
type WrappingKeys interface {
	// RecoveryKey makes another one.
	RecoveryKey(ctx context.Context) (wire.RecoveryKey, error)
	KeySlots(ctx context.Context) (wire.KeySlots, error)
	// ForgetKey takes a key its slot and returns those that are left. It
	// refuses what would lock the daemon out with a *refusal.Error.
	ForgetKey(ctx context.Context, id string) (wire.KeySlots, error)
}

// Sealed is what can be done to the sealed store.
type Sealed struct {
	// Backup returns it and its size in bytes.
	Backup func(ctx context.Context) (io.ReadCloser, int64, error)
	// Move marks the store as moved and has the daemon end.
	Move func(ctx context.Context, m wire.Move) error
	// Rotate has everything sealed by a new key, tells how far that is, and
	// returns at its end, or when tell fails or ctx ends, without ending it.
	Rotate func(ctx context.Context, tell func(wire.Rotation) error) error
	Keys   WrappingKeys
}

// sealing are the routes of the sealed store and its keys.
type sealing struct{ cfg Config }

// backup answers with the sealed store as it is now.
func (s sealing) backup(c *call) error {
	content, size, err := s.cfg.Sealed.Backup(c.r.Context())
	if err != nil {
		return err
	}
	defer content.Close()
	c.w.Header()["Content-Type"] = []string{"application/octet-stream"}
	c.w.Header()["Content-Length"] = []string{strconv.FormatInt(size, 10)}
	c.w.WriteHeader(http.StatusOK)
	// From here on a failure is told by ending short of the length.
	for err == nil {
		c.extend()
		_, err = io.CopyN(c.w, content, 1<<20)
	}
	return nil
}

// move answers 204, and the daemon ends.
func (s sealing) move(c *call) error {
	var m wire.Move
	if err := c.read(&m); err != nil {
		return err
	}
	if m.Store == "" || m.To == "" {
		return refuse(http.StatusBadRequest, "a move names the store and where it goes")
	}
	if err := s.cfg.Sealed.Move(c.r.Context(), m); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// extend gives a long answer time for its next piece. net/http would take the
// caller for gone at the end of the reading deadline, too.
func (c *call) extend() {
	control := http.NewResponseController(c.w)
	end := time.Now().Add(chunkTimeout)
	_ = control.SetReadDeadline(end)
	_ = control.SetWriteDeadline(end)
}

// rotate answers one line whenever there is progress. The rotation goes on
// without its caller.
func (s sealing) rotate(c *call) error {
	begun := false
	tell := func(now wire.Rotation) error {
		line, err := json.Marshal(now)
		if err != nil {
			return fmt.Errorf("encode progress: %w", err)
		}
		if !begun {
			begun = true
			c.w.Header()["Content-Type"] = []string{wire.LinesType}
			c.w.WriteHeader(http.StatusOK)
		}
		c.extend()
		if _, err := c.w.Write(append(line, '\n')); err != nil {
			return err
		}
		return http.NewResponseController(c.w).Flush()
	}
	err := s.cfg.Sealed.Rotate(c.r.Context(), tell)
	if err != nil && begun {
		_ = tell(wire.Rotation{Error: err.Error()})
		return nil
	}
	return err
}

func (s sealing) recoveryKey(c *call) error {
	key, err := s.cfg.Sealed.Keys.RecoveryKey(c.r.Context())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, key)
}

func (s sealing) keySlots(c *call) error {
	slots, err := s.cfg.Sealed.Keys.KeySlots(c.r.Context())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, slots)
}

func (s sealing) forgetKey(c *call) error {
	left, err := s.cfg.Sealed.Keys.ForgetKey(c.r.Context(), c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, left)
}
