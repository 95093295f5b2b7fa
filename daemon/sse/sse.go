// Package sse writes and reads server-sent events, as the HTML standard has them:
//
//	retry: 2000
//
//	id: 42
//	event: refreshed
//	data: {"grant":"ops"}
//
//	:
//
// The last of these is a comment, which keeps a silent connection alive.
package sse

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// MediaType is that of a stream.
const MediaType = "text/event-stream"

// An Event has data of any number of lines; ID and Name may be empty.
type Event struct {
	ID   string // where to resume
	Name string
	Data string
}

func (e Event) appendTo(b []byte) []byte {
	if e.ID != "" {
		b = fmt.Appendf(b, "id: %s\n", e.ID)
	}
	if e.Name != "" {
		b = fmt.Appendf(b, "event: %s\n", e.Name)
	}
	for line := range strings.SplitSeq(e.Data, "\n") {
		b = fmt.Appendf(b, "data: %s\n", line)
	}
	return append(b, '\n')
}

// A Config bounds a stream. Both are needed.
type Config struct {
	// Retry is after what time a reader comes back that was cut off.
	Retry time.Duration
	// WriteTimeout is how long a write may take: so a reader is noticed that
	// stopped reading.
	WriteTimeout time.Duration
}

// Serve answers with the events that next returns, and a comment where it returns
// none, until next fails or the reader is gone. The stream lives as long as both
// sides wish, and its first bytes tell the reader that it misses nothing from here
// on. The error of a stream that never began is returned.
func Serve(w http.ResponseWriter, c Config, next func() ([]Event, error)) error {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lift read deadline: %w", err)
	}
	w.Header().Set("Content-Type", MediaType)
	for text := fmt.Appendf(nil, "retry: %d\n\n", c.Retry.Milliseconds()); ; {
		_ = control.SetWriteDeadline(time.Now().Add(c.WriteTimeout))
		if _, err := w.Write(text); err != nil {
			return nil
		}
		if err := control.Flush(); err != nil {
			return nil
		}
		events, err := next()
		if err != nil {
			return nil
		}
		text = nil
		for _, e := range events {
			text = e.appendTo(text)
		}
		if len(events) == 0 {
			text = []byte(":\n\n")
		}
	}
}

// A Reader reads a stream.
type Reader struct{ lines *bufio.Scanner }

// NewReader reads from r, line by line.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewScanner(r)} }

// Next reads up to the blank line that ends an event with data. Fields that it does
// not know, and comments, are skipped. At the end of the stream the error is
// io.ErrUnexpectedEOF.
func (r *Reader) Next() (Event, error) {
	var e Event
	var data []string
	for r.lines.Scan() {
		line := r.lines.Text()
		switch {
		case line == "" && data != nil:
			e.Data = strings.Join(data, "\n")
			return e, nil
		case line == "":
			e = Event{} // without data it is none
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.Name = value
		case "data":
			data = append(data, value)
		case "id":
			e.ID = value
		}
	}
	if err := r.lines.Err(); err != nil {
		return e, fmt.Errorf("read events: %w", err)
	}
	return e, fmt.Errorf("read events: %w", io.ErrUnexpectedEOF)
}
