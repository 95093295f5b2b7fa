package client

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"webex-tokend/daemon/wire"
)

// A Problem is an answer that is not a success.
type Problem struct {
	wire.Problem
	// RetryAfter is the wait before the next request; 0: the daemon said
	// nothing.
	RetryAfter time.Duration
}

func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return p.Title
}

// problemLimit is far above what the daemon writes.
const problemLimit = 64 << 10

// problemOf reads the body of a refusal. A body of another kind, as from some
// other server on that path, leaves the bare status.
func problemOf(resp *http.Response) *Problem {
	p := &Problem{Problem: wire.Problem{Status: resp.StatusCode}}
	if resp.Header.Get("Content-Type") == wire.ProblemType {
		_ = json.NewDecoder(io.LimitReader(resp.Body, problemLimit)).Decode(&p.Problem)
	}
	p.Status = resp.StatusCode
	if p.Title == "" {
		p.Title = "answer " + resp.Status
	}
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		p.RetryAfter = time.Duration(seconds) * time.Second
	}
	return p
}
