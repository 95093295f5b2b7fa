package client

import (
	"context"
	"iter"
	"time"

	"webex-tokend/daemon/sse"
	"webex-tokend/daemon/wire"
)

// reconnect is the time between two looks for a daemon that is away.
const reconnect = time.Second

// Watch delivers the access token of a grant, and each new one when it comes.
// The sequence goes through restarts of the daemon and ends with ctx or with
// its reader. An error does not end it: it says why there is no token to be
// had at this moment, once until there is one again.
func (c *Client) Watch(ctx context.Context, grant string) iter.Seq2[wire.Token, error] {
	return func(yield func(wire.Token, error) bool) {
		w := &watch{client: c, grant: grant, yield: yield}
		for ctx.Err() == nil && w.follow(ctx) {
			select {
			case <-ctx.Done():
			case <-time.After(reconnect):
			}
		}
	}
}

// A watch is one sequence under way.
type watch struct {
	client *Client
	grant  string
	yield  func(wire.Token, error) bool

	last    string // access token delivered
	failing bool   // an error was delivered, no token since
}

// follow goes along one stream of events. It is false when the reader has
// enough. The token is read behind the start of the stream, so that none falls
// between the two.
func (w *watch) follow(ctx context.Context) bool {
	body, err := w.client.openEvents(ctx, Latest)
	if err != nil {
		return w.fail(ctx, err)
	}
	defer body.Close()
	if !w.read(ctx) {
		return false
	}
	for events := sse.NewReader(body); ; {
		event, err := readEvent(events)
		if err != nil {
			return true // the daemon stops, or ctx ended
		}
		concerned := event.Grant == w.grant || event.Grant == ""
		switch event.Kind {
		case "registered", "refreshed", "removed", "skipped":
			if concerned && !w.read(ctx) {
				return false
			}
		}
	}
}

func (w *watch) read(ctx context.Context) bool {
	t, err := w.client.Token(ctx, w.grant, 0)
	if err != nil {
		return w.fail(ctx, err)
	}
	if t.AccessToken == w.last && !w.failing {
		return true
	}
	w.last, w.failing = t.AccessToken, false
	return w.yield(t, nil)
}

func (w *watch) fail(ctx context.Context, err error) bool {
	if w.failing || ctx.Err() != nil {
		return true
	}
	w.failing = true
	return w.yield(wire.Token{}, err)
}
