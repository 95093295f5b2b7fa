package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"

	"webex-tokend/daemon/sse"
	"webex-tokend/daemon/wire"
)

// An Event is something that happened to one grant.
type Event struct {
	ID   uint64 // increasing; where to resume
	Kind string // registered refreshed failed state window expiry removed skipped
	wire.Event
}

// Latest as a position is behind every event so far.
const Latest = 1<<64 - 1

// Events delivers the events after that ID, then new ones as they happen; 0
// stands for all that the daemon still holds. The sequence ends with an error:
// io.ErrUnexpectedEOF when the daemon ended the stream, as it does when it
// stops or restarts. A reader that falls behind misses older events of a
// grant first, never the latest one without an event "skipped" in its place. The
// same event comes first where some after that ID are not held any more, as
// after a restart: read again then what was derived from events.
func (c *Client) Events(ctx context.Context, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		body, err := c.openEvents(ctx, after)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer body.Close()
		for events := sse.NewReader(body); ; {
			event, err := readEvent(events)
			if err != nil && ctx.Err() != nil {
				err = ctx.Err()
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

// openEvents returns when the daemon has begun to listen for this caller. The
// caller closes the stream.
func (c *Client) openEvents(ctx context.Context, after uint64) (io.ReadCloser, error) {
	what := call{method: http.MethodGet, path: "/v1/events", accept: sse.MediaType, header: http.Header{}}
	if after != Latest {
		what.header.Set("Last-Event-ID", strconv.FormatUint(after, 10))
	}
	resp, err := c.send(ctx, what)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func readEvent(r *sse.Reader) (Event, error) {
	read, err := r.Next()
	if err != nil {
		return Event{}, err
	}
	e := Event{Kind: read.Name}
	e.ID, _ = strconv.ParseUint(read.ID, 10, 64) // 0 where it has none
	if err := json.Unmarshal([]byte(read.Data), &e.Event); err != nil {
		return e, fmt.Errorf("read event: %w", err)
	}
	return e, nil
}
