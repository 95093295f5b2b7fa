package emulator

import (
	"net/http"
	"strings"
	"time"
)

// A Call is one request that reached the server, whatever came of it.
type Call struct {
	At     time.Time // by the server's clock, at its arrival
	Method string
	Path   string
	// Client is the client that the request names, registered or not checked
	// yet; GrantType that of a token request, Grant the one whose refresh token
	// it carries, 0 for none.
	Client    string
	GrantType string
	Grant     GrantID
	// Status is 0 until the answer has begun, and when the connection was cut.
	Status int
	// RetryAfter is that header of the answer, as sent.
	RetryAfter string
	// Scripted: Script decided the answer.
	Scripted bool
}

// history keeps the latest calls in a ring. The lock of the issuer guards it.
type history struct {
	keep  int
	calls []Call
	next  uint64 // calls ever
}

// add notes a call and returns its number.
func (h *history) add(c Call) uint64 {
	number := h.next
	h.next++
	switch {
	case h.keep == 0:
	case len(h.calls) < h.keep:
		h.calls = append(h.calls, c)
	default:
		h.calls[number%uint64(h.keep)] = c
	}
	return number
}

// at finds a call again, nil when it was overwritten.
func (h *history) at(number uint64) *Call {
	if h.keep == 0 || h.next-number > uint64(h.keep) {
		return nil
	}
	return &h.calls[number%uint64(h.keep)]
}

// Calls returns the latest calls in the order of their arrival, at most
// Config.KeepCalls.
func (e *Emulator) Calls() []Call {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	h := &e.history
	if h.keep == 0 {
		return nil
	}
	oldest := 0
	if len(h.calls) == h.keep {
		oldest = int(h.next % uint64(h.keep))
	}
	return append(append([]Call(nil), h.calls[oldest:]...), h.calls[:oldest]...)
}

// note enters a request that has arrived.
func (e *Emulator) note(r *http.Request) uint64 {
	id, _, basic := r.BasicAuth()
	grantType, refresh := "", ""
	if r.PostForm != nil {
		if !basic {
			id = r.PostForm.Get("client_id")
		}
		grantType, refresh = r.PostForm.Get("grant_type"), r.PostForm.Get("refresh_token")
	}
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	c := Call{At: e.issuer.cfg.Now(), Method: r.Method, Path: r.URL.Path, GrantType: strings.Clone(grantType)}
	if client := e.issuer.client(id); client != nil {
		c.Client = client.ID // the other one would keep the whole form in memory
	} else {
		c.Client = strings.Clone(id)
	}
	if grant, _, known := e.issuer.refreshToken(refresh); known {
		c.Grant = grant
	}
	e.issuer.stats.Requests++
	return e.history.add(c)
}

// settle enters what became of it.
func (e *Emulator) settle(number uint64, a *answerNote, scripted bool) {
	e.issuer.mu.Lock()
	defer e.issuer.mu.Unlock()
	switch {
	case a.status == http.StatusTooManyRequests:
		e.issuer.stats.Limited++
	case a.status >= 500:
		e.issuer.stats.Failed++
	case a.status >= 400:
		e.issuer.stats.Refused++
	}
	if c := e.history.at(number); c != nil {
		c.Status, c.RetryAfter, c.Scripted = a.status, a.retryAfter, scripted
	}
}

// An answerNote watches an answer go by.
type answerNote struct {
	http.ResponseWriter
	status     int
	retryAfter string
}

func (a *answerNote) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.retryAfter = status, a.Header().Get("Retry-After")
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answerNote) Write(body []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(body)
}

// Unwrap serves http.ResponseController.
func (a *answerNote) Unwrap() http.ResponseWriter { return a.ResponseWriter }
