// Package lab is what tests want of an emulated Webex beside what it does: answers
// that are late, cut off, lost or altered, and a way to it without a socket.
package lab

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"

	"webex-tokend/daemon/emulator"
)

// Behave answers as the server would; it keeps a place in a script.
func Behave() emulator.Answer {
	return func(w http.ResponseWriter, r *http.Request, behave http.Handler) { behave.ServeHTTP(w, r) }
}

// Func leaves the whole answer to f.
func Func(f http.HandlerFunc) emulator.Answer {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) { f(w, r) }
}

// Reply answers exactly this; header may be nil.
func Reply(status int, header http.Header, body string) emulator.Answer {
	return Func(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// Limit answers 429 with this Retry-After, any text at all, or none when empty.
func Limit(retryAfter string) emulator.Answer {
	header := http.Header{}
	if retryAfter != "" {
		header.Set("Retry-After", retryAfter)
	}
	return Reply(http.StatusTooManyRequests, header, "")
}

// Redirect answers with a redirection to a URL. A client that follows it hands
// its secrets to whoever listens there.
func Redirect(status int, url string) emulator.Answer {
	return Reply(status, http.Header{"Location": {url}}, "")
}

// Hang takes the request and never answers. It lasts until the client goes away.
func Hang() emulator.Answer {
	return Func(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// Cut closes the connection without an answer; nothing was issued or used up.
func Cut() emulator.Answer {
	return Func(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

// Lose does what was asked, then closes the connection without the answer: what
// was issued is lost on its way, and with Config.Rotate the refresh token that
// was sent is used up.
func Lose() emulator.Answer {
	return func(_ http.ResponseWriter, r *http.Request, behave http.Handler) {
		behave.ServeHTTP(newCapture(), r)
		panic(http.ErrAbortHandler)
	}
}

// Truncate sends the true header and the first n bytes of the true body, then
// closes the connection. With 0 the header is all that arrives.
func Truncate(n int) emulator.Answer {
	return func(w http.ResponseWriter, r *http.Request, behave http.Handler) {
		c := captured(w, r, behave)
		w.WriteHeader(c.status)
		_, _ = w.Write(c.body.Bytes()[:min(n, c.body.Len())])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Drip sends the true answer, its body a byte at a time with a pause after each.
func Drip(pause time.Duration) emulator.Answer {
	return func(w http.ResponseWriter, r *http.Request, behave http.Handler) {
		c := captured(w, r, behave)
		w.WriteHeader(c.status)
		for _, b := range c.body.Bytes() {
			if _, err := w.Write([]byte{b}); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			if !emulator.Pause(r, pause) {
				return
			}
		}
	}
}

// Delay answers truly after a pause. Nothing has happened before it is over.
func Delay(pause time.Duration) emulator.Answer {
	return func(w http.ResponseWriter, r *http.Request, behave http.Handler) {
		if !emulator.Pause(r, pause) {
			panic(http.ErrAbortHandler)
		}
		behave.ServeHTTP(w, r)
	}
}

// Hold does what was asked, closes arrived (unless it is nil) and sends the true
// answer once release is closed, or nothing when the client went away before.
func Hold(arrived chan<- struct{}, release <-chan struct{}) emulator.Answer {
	return func(w http.ResponseWriter, r *http.Request, behave http.Handler) {
		c := captured(w, r, behave)
		if arrived != nil {
			close(arrived)
		}
		select {
		case <-release:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(c.status)
		_, _ = w.Write(c.body.Bytes())
	}
}

// Alter sends the true answer with its fields changed: a JSON document whose
// numbers are json.Number.
func Alter(change func(fields map[string]any)) emulator.Answer {
	return func(w http.ResponseWriter, r *http.Request, behave http.Handler) {
		c := captured(w, r, behave)
		decoder := json.NewDecoder(&c.body)
		decoder.UseNumber()
		fields := map[string]any{}
		if err := decoder.Decode(&fields); err != nil {
			panic("the answer to be altered is no JSON document: " + err.Error())
		}
		change(fields)
		body, err := json.Marshal(fields)
		if err != nil {
			panic("the altered answer is no JSON document: " + err.Error())
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(c.status)
		_, _ = w.Write(body)
	}
}

// A capture keeps an answer instead of sending it.
type capture struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newCapture() *capture { return &capture{header: http.Header{}} }

// captured takes the true answer with its length and moves its header to w.
func captured(w http.ResponseWriter, r *http.Request, behave http.Handler) *capture {
	c := newCapture()
	behave.ServeHTTP(c, r)
	c.WriteHeader(http.StatusOK)
	maps.Copy(w.Header(), c.header)
	w.Header().Set("Content-Length", strconv.Itoa(c.body.Len()))
	return c
}

func (c *capture) Header() http.Header { return c.header }

func (c *capture) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *capture) Write(body []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	return c.body.Write(body)
}
