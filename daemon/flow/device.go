package flow

import (
	"context"
	"errors"
	"time"

	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/stopwatch"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// slowDown is added to the interval by RFC 8628 section 3.5 each time the
// server asks for it.
const slowDown = 5 * time.Second

// beginDevice asks for the codes and polls in the background, after it returns.
func (c *Consents) beginDevice(ctx context.Context, a *consent) error {
	device, err := c.cfg.Provider.StartDevice(ctx, a.in)
	if err != nil {
		why, advice := failureAdvice(a.in, err)
		if f, ok := errors.AsType[*provider.Failure](err); ok && !f.Answered {
			return &refusal.Error{Kind: refusal.Unavailable, RetryAfter: time.Minute, Detail: "device flow: " + why}
		}
		return &refusal.Error{Kind: refusal.Broker, Detail: "device flow: " + why + "; " + advice}
	}
	a.shown.Method = "device"
	a.shown.URL, a.shown.URLComplete, a.shown.UserCode = device.URL, device.URLComplete, device.UserCode
	return c.enter(a, device.Life, func() {
		polling, end := stopwatch.WithTimeout(c.ctx, device.Life)
		a.end = end
		c.tasks.Go(func() {
			defer end()
			c.poll(polling, a, device)
		})
	})
}

// poll asks until the person has decided, the code has expired, or the consent
// was cancelled.
func (c *Consents) poll(ctx context.Context, a *consent, device provider.Device) {
	interval := device.Interval
	for {
		wait := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			wait.Stop()
			c.endPoll(a, ctx.Err())
			return
		case <-wait.C:
		}
		sentAt := c.cfg.Now()
		answer, err := c.cfg.Provider.PollDevice(ctx, a.in, device.Code)
		failure, failed := errors.AsType[*provider.Failure](err)
		if !failed {
			if c.decided(a) {
				// The tokens are there: whoever leaves now, they are brought home.
				c.settle(context.WithoutCancel(ctx), a, registry.Registration{Answer: answer, IssuedAt: sentAt}, nil)
			}
			return
		}
		c.cfg.Log.Debug("device flow polled", "grant", a.shown.Grant, "status", failure.Status, "code", failure.Code)
		switch failure.Device() {
		case provider.DevicePending:
			interval = max(interval, failure.RetryAfter)
		case provider.DeviceSlowDown:
			interval = max(interval+slowDown, failure.RetryAfter)
			c.cfg.Log.Debug("device flow slowed down", "grant", a.shown.Grant, "interval", interval)
		case provider.DeviceDenied:
			c.refuse(a, "the person declined", "begin again when the person agrees")
			return
		case provider.DeviceExpired:
			c.refuse(a, "nobody entered the code in time", "begin again")
			return
		default:
			c.refuse(a, failure.Error(), "check client_id, client secret and device_token_url of integration "+a.in.Name)
			return
		}
	}
}

func (c *Consents) endPoll(a *consent, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		c.refuse(a, "nobody entered the code in time", "begin again")
	}
}

// refuse fails a consent that still waits.
func (c *Consents) refuse(a *consent, why, advice string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open(a) {
		c.fail(a, why, advice)
	}
}

// decided reports whether anybody still wants to know; a consent that was
// cancelled brings no tokens into the store.
func (c *Consents) decided(a *consent) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := c.all[a.shown.ID] == a && a.shown.State == wire.Waiting
	a.verifier = store.Secret{}
	return wanted
}
