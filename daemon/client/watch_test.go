package client_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"webex-tokend/daemon/sse"
)

// A theatre plays events and tokens that a test writes.
type theatre struct {
	events chan string // each is sent at once; "end" ends the stream
	second func()      // is called before a second stream begins

	mu     sync.Mutex
	answer func(http.ResponseWriter)
	begun  int
}

func (s *theatre) now(answer func(http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *theatre) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/events") {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.answer(w)
		return
	}
	if s.begun++; s.begun == 2 {
		s.second()
	}
	w.Header().Set("Content-Type", sse.MediaType)
	w.WriteHeader(http.StatusOK)
	for {
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case text := <-s.events:
			if text == "end" {
				return
			}
			kind, grant, _ := strings.Cut(text, " ")
			fmt.Fprintf(w, "id: 1\nevent: %s\ndata: {\"grant\":%q}\n\n", kind, grant)
		}
	}
}

func TestAWatchDeliversEachNewTokenOnceAndGoesThroughRestarts(t *testing.T) {
	s := &theatre{events: make(chan string)}
	s.second = func() { s.now(token("b", time.Hour)) } // of which there is no event
	c := answer(t, s.ServeHTTP)
	s.now(refusal(409))
	var got []string
	for tok, err := range c.Watch(t.Context(), "ops") {
		seen := tok.AccessToken
		if err != nil {
			seen = "error"
		}
		got = append(got, seen)
		switch len(got) {
		case 1: // pending: the next token comes by an import
			s.now(token("a", time.Hour))
			s.events <- "registered ops"
		case 2: // what does not concern it, or brings nothing new, is not told
			go func() {
				s.events <- "refreshed ops"
				s.events <- "refreshed crm"
				s.events <- "state ops"
				s.events <- "end"
			}()
		case 3:
			s.now(refusal(404))
			s.events <- "removed ops"
		case 4:
			s.now(token("c", time.Hour))
			s.events <- "skipped "
		}
		if len(got) == 5 {
			break
		}
	}
	if want := []string{"error", "a", "b", "error", "c"}; !slices.Equal(got, want) {
		t.Errorf("delivered %q", got)
	}
}
