package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"

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
		scanner := bufio.NewScanner(body)
		for {
			event, err := readEvent(scanner)
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
	what := call{method: http.MethodGet, path: "/v1/events", accept: wire.EventsType, header: http.Header{}}
	if after != Latest {
		what.header.Set("Last-Event-ID", strconv.FormatUint(after, 10))
	}
	resp, err := c.send(ctx, what)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// readEvent reads up to the blank line that ends an event with data. Fields
// that it does not know, and comments, are skipped as the HTML standard says.
func readEvent(scanner *bufio.Scanner) (Event, error) {
	var event Event
	var data string
	for scanner.Scan() {
		if scanner.Text() == "" {
			if data == "" {
				continue // the end of a comment or of a retry field
			}
			if err := json.Unmarshal([]byte(data), &event.Event); err != nil {
				return event, fmt.Errorf("read event: %w", err)
			}
			return event, nil
		}
		field, value, _ := strings.Cut(scanner.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			event.Kind = value
		case "data":
			data += value
		case "id":
			if id, err := strconv.ParseUint(value, 10, 64); err == nil {
				event.ID = id
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return event, fmt.Errorf("read events: %w", err)
	}
	return event, fmt.Errorf("read events: %w", io.ErrUnexpectedEOF)
}
