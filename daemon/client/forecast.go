package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"webex-tokend/daemon/wire"
)

// An Outlook asks what an outage would do.
type Outlook struct {
	Outage       string    // how long, such as "9d"; empty: none
	From         time.Time // zero: now
	Days         int       // how far to look; 0: the daemon's default of 120
	EndpointDown bool      // else the daemon is away
}

// Forecast runs the grants that the caller may see ahead through an outage.
func (c *Client) Forecast(ctx context.Context, o Outlook) (wire.Forecast, error) {
	query := url.Values{}
	if o.Outage != "" {
		query.Set("outage", o.Outage)
	}
	if !o.From.IsZero() {
		query.Set("from", o.From.UTC().Format(time.RFC3339))
	}
	if o.Days > 0 {
		query.Set("days", strconv.Itoa(o.Days))
	}
	if o.EndpointDown {
		query.Set("endpoint_down", "true")
	}
	var f wire.Forecast
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/forecast", query: query}, &f)
	return f, err
}

// Drain refreshes what gains from it before nothing is refreshed for so long.
// It delivers each grant as it ends and at last the sum, which names none.
// A stream that ends without the sum is an error.
func (c *Client) Drain(ctx context.Context, away string) iter.Seq2[wire.Drained, error] {
	return func(yield func(wire.Drained, error) bool) {
		resp, err := c.send(ctx, call{method: http.MethodPost, path: "/v1/drain", work: true, query: url.Values{"for": {away}}})
		if err != nil {
			yield(wire.Drained{}, err)
			return
		}
		defer resp.Body.Close()
		for lines := json.NewDecoder(resp.Body); ; {
			var d wire.Drained
			if err := lines.Decode(&d); err != nil {
				if err == io.EOF {
					err = io.ErrUnexpectedEOF
				}
				yield(d, fmt.Errorf("read progress: the drain was cut short: %w", err))
				return
			}
			if !yield(d, nil) || d.Grant == "" {
				return
			}
		}
	}
}
