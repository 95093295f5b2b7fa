package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/wire"
)

// A rejection is a decision of a route itself.
type rejection struct {
	status int
	detail string
	retry  time.Duration // 0: nothing is said
}

func (r *rejection) Error() string { return r.detail }

func refuse(status int, format string, args ...any) *rejection {
	return &rejection{status: status, detail: fmt.Sprintf(format, args...)}
}

// problemOf is the one place where an error becomes a status. The duration is
// that of Retry-After; 0: none.
func problemOf(err error) (wire.Problem, time.Duration) {
	if r, ok := errors.AsType[*rejection](err); ok {
		return problem(r.status, r.detail), r.retry
	}
	if r, ok := errors.AsType[*refusal.Error](err); ok {
		p := problem(statusOf(r.Kind), r.Detail)
		p.State, p.Reason, p.Action = string(r.State), r.Reason, r.Action
		if r.Kind == refusal.Unavailable || r.Kind == refusal.TooMany {
			return p, max(r.RetryAfter, time.Second)
		}
		return p, 0
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("body is longer than %d bytes", tooLarge.Limit)), 0
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return problem(http.StatusServiceUnavailable, "took too long"), time.Second
	}
	return problem(http.StatusInternalServerError, err.Error()), 0
}

func problem(status int, detail string) wire.Problem {
	return wire.Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

func statusOf(kind refusal.Kind) int {
	switch kind {
	case refusal.NoSuchGrant:
		return http.StatusNotFound
	case refusal.BadName:
		return http.StatusBadRequest
	case refusal.BadContent:
		return http.StatusUnprocessableEntity
	case refusal.Conflict:
		return http.StatusConflict
	case refusal.Broker:
		return http.StatusBadGateway
	case refusal.Unavailable:
		return http.StatusServiceUnavailable
	case refusal.TooMany:
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// answerProblem draws err as RFC 9457 says. What nobody foresaw is logged
// here, and nowhere before.
func (s *Server) answerProblem(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to read it
	}
	p, retry := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		s.cfg.Log.Error("request failed", "method", r.Method, "pattern", r.Pattern, "error", err)
	}
	w.Header().Set("Content-Type", wire.ProblemType)
	if retry > 0 {
		seconds := int64((retry + time.Second - 1) / time.Second)
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// answer writes a value as JSON.
func (c *call) answer(status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	c.w.Header()["Content-Type"] = []string{"application/json"}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append(body, '\n'))
	return nil
}
