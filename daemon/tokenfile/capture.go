package tokenfile

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// A capture is a text without what a tool put around it.
type capture struct {
	body  string
	date  time.Time // of the answer, by its Date header; zero: none
	notes []string
}

// unwrap takes the body out of what curl -i prints: one or more blocks of
// headers, of which the last belongs to the body.
func unwrap(text string) (capture, error) {
	c := capture{body: text}
	for strings.HasPrefix(c.body, "HTTP/") {
		line, rest, _ := strings.Cut(c.body, "\n")
		words := strings.Fields(line)
		if len(words) < 2 {
			return c, errors.New("begins with a status line that has no status")
		}
		status := words[1]
		// The end of the text was trimmed, with what ended a head without a body.
		rest += "\n\n"
		header, body, _ := strings.Cut(strings.ReplaceAll(rest, "\r\n", "\n"), "\n\n")
		fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(header + "\n\n"))).ReadMIMEHeader()
		if err != nil {
			return c, errors.New("begins with the headers of an HTTP answer that cannot be read")
		}
		c.body = strings.TrimFunc(body, blank)
		if strings.HasPrefix(c.body, "HTTP/") {
			continue // of a proxy, or before a redirect
		}
		if !strings.HasPrefix(status, "2") {
			return c, fmt.Errorf("is an HTTP answer with status %s, not a token response", digits(status))
		}
		c.notes = append(c.notes, "the headers of an HTTP answer were left out")
		if at, err := http.ParseTime(fields.Get("Date")); err == nil {
			c.date = at.UTC()
		}
		if c.body == "" {
			return c, errors.New("is an HTTP answer without a body")
		}
	}
	return c, nil
}

// digits returns a status for a message, or a question mark where the text is
// none: nothing of a file is quoted.
func digits(status string) string {
	if len(status) != 3 || strings.Trim(status, "0123456789") != "" {
		return "?"
	}
	return status
}
