package api

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/refresh"
)

// token answers the access token in force, as JSON or, to those who accept
// text/plain, as the bare text. It is the one route that programs call in a
// loop, so it spares what the others do for convenience.
func (s *Server) token(c *call) error {
	var minValid time.Duration
	if c.r.URL.RawQuery != "" {
		var err error
		if minValid, err = duration.ParseLife(c.r.URL.Query().Get("min_valid")); err != nil {
			return refuse(http.StatusBadRequest, "min_valid: %v", err)
		}
	}
	t, err := s.cfg.Refresher.Token(c.r.Context(), c.grant, minValid)
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	if !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
		// It ended on its way here. A program that got it would take the
		// rejection by Webex for its own fault.
		return &rejection{status: http.StatusServiceUnavailable, detail: "token has just expired", retry: time.Second}
	}
	c.generation = t.Generation
	s.cfg.Handed(c.grant, c.peer, t.Generation)

	header := c.w.Header()
	var body []byte
	if acceptsText(c.r.Header["Accept"]) {
		header["Content-Type"] = []string{"text/plain; charset=utf-8"}
		body = []byte(t.Access.Reveal())
	} else {
		header["Content-Type"] = []string{"application/json"}
		body = appendToken(make([]byte, 0, 512), t, now)
	}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = c.w.Write(body)
	return nil
}

// acceptsText reports whether text is asked for by name. A client that also
// takes JSON, or anything, gets JSON.
func acceptsText(accept []string) bool {
	for _, list := range accept {
		if strings.Contains(list, "text/plain") && !strings.Contains(list, "json") {
			return true
		}
	}
	return false
}

// appendToken writes a wire.Token as encoding/json would, without its
// reflection.
func appendToken(b []byte, t refresh.Current, now time.Time) []byte {
	b = append(b, `{"access_token":`...)
	b = appendString(b, t.Access.Reveal())
	b = append(b, `,"token_type":`...)
	b = appendString(b, t.Type)
	b = append(b, `,"expires_at":`...)
	if t.ExpiresAt.IsZero() {
		b = append(b, "null"...)
	} else {
		b = append(b, '"')
		b = t.ExpiresAt.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, `","expires_in":`...)
		b = strconv.AppendInt(b, int64(t.ExpiresAt.Sub(now)/time.Second), 10)
	}
	b = append(b, `,"generation":`...)
	b = strconv.AppendUint(b, t.Generation, 10)
	b = append(b, `,"scope":`...)
	b = appendString(b, t.Scope)
	return append(b, "}\n"...)
}

// appendString quotes text. What would need an escape is left to the library:
// no token has ever had it.
func appendString(b []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(text) // a string always encodes
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}
