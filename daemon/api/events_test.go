package api_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/api"
)

// eventsFrom opens a stream and returns what it reads, line by line.
func eventsFrom(t *testing.T, c *http.Client, after string) *bufio.Scanner {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://host/v1/events", nil)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		resp.Body.Close()
	})
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s %s", resp.Status, body)
	}
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "retry: 2000" {
		t.Fatalf("the stream begins with %q", lines.Text())
	}
	return lines
}

// next returns the next line that begins so.
func next(t *testing.T, lines *bufio.Scanner, prefix string) string {
	t.Helper()
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			return rest
		}
	}
	t.Fatalf("the stream ends without %q: %v", prefix, lines.Err())
	return ""
}

func TestEventsComeAsTheyHappen(t *testing.T) {
	h := begin(t)
	lines := eventsFrom(t, h.as(t, os.Geteuid()), "")
	h.register(t, "ops", "access-token-of-ops")
	if kind := next(t, lines, "event: "); kind != "registered" {
		t.Errorf("the first event is %q", kind)
	}
	data := next(t, lines, "data: ")
	if !strings.HasPrefix(data, `{"grant":"ops","generation":1,"state":"ok"`) {
		t.Errorf("its data are %s", data)
	}
	if strings.Contains(data, "access-token") {
		t.Errorf("an event holds a token: %s", data)
	}
}

func TestAStreamResumesBehindTheLastEvent(t *testing.T) {
	h := begin(t)
	lines := eventsFrom(t, h.as(t, os.Geteuid()), "")
	h.register(t, "ops", "first-of-ops")
	id := next(t, lines, "id: ")
	h.register(t, "crm", "first-of-crm")

	for event, err := range h.client(t).Events(t.Context(), 0) {
		if err != nil || event.Grant != "ops" {
			t.Errorf("from the beginning the first event is %+v, %v", event, err)
		}
		break
	}
	resumed := eventsFrom(t, h.as(t, os.Geteuid()), id)
	for {
		data := next(t, resumed, "data: ")
		if strings.Contains(data, `"crm"`) {
			break
		}
		if !strings.Contains(data, `"state":"ok"`) {
			t.Fatalf("before the event of crm there is %s", data)
		}
	}
}

func TestAStreamThatResumesTooLateBeginsWithANotice(t *testing.T) {
	h := begin(t)
	h.register(t, "ops", "first-of-ops")
	h.allow([]acl.Action{acl.Status}, "crm") // whoever sees nothing of ops may have missed events of crm
	lines := eventsFrom(t, h.as(t, stranger), "7")
	if kind := next(t, lines, "event: "); kind != "skipped" {
		t.Errorf("the first event is %q", kind)
	}
	for event, err := range h.client(t).Events(t.Context(), 7) {
		if err != nil || event.Kind != "skipped" || event.Grant != "" || event.ID <= 7 {
			t.Errorf("the client is told %+v, %v", event, err)
		}
		break
	}
}

func TestOnlyVisibleGrantsHaveEvents(t *testing.T) {
	h := begin(t)
	h.allow([]acl.Action{acl.Status}, "crm")
	lines := eventsFrom(t, h.as(t, stranger), "")
	h.register(t, "ops", "access-token-of-ops")
	h.register(t, "crm", "access-token-of-crm")
	if data := next(t, lines, "data: "); !strings.HasPrefix(data, `{"grant":"crm"`) {
		t.Errorf("a user of crm alone is told %s", data)
	}
}

func TestASilentStreamShowsSignsOfLife(t *testing.T) {
	h := begin(t, func(cfg *api.Config) { cfg.Heartbeat = time.Millisecond })
	lines := eventsFrom(t, h.as(t, os.Geteuid()), "")
	for range 3 {
		next(t, lines, ":")
	}
	h.register(t, "ops", "access-token-of-ops")
	next(t, lines, "event: registered")
}

func TestAStopEndsStreamsAndImports(t *testing.T) {
	h := begin(t)
	lines := eventsFrom(t, h.as(t, os.Geteuid()), "")
	body, feed := io.Pipe()
	defer feed.Close()
	answered, ended := make(chan struct{}, 1), make(chan string, 1)
	go func() {
		last := ""
		for a, err := range h.client(t).ImportLines(t.Context(), withFirst(body, feed, line("ops", "1"))) {
			if err == nil {
				last = a.Error
			}
			select {
			case answered <- struct{}{}:
			default:
			}
		}
		ended <- last
	}()
	<-answered // the import is under way, and silent

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		t.Errorf("shut down: %v", err)
	}
	for lines.Scan() {
	}
	if why := <-ended; !strings.Contains(why, "stopping") {
		t.Errorf("the import ends with %q", why)
	}
	if _, err := h.client(t).Status(t.Context()); err == nil {
		t.Error("after the stop there is still an answer")
	}
}

func TestALastEventIDThatIsNoneIsRefused(t *testing.T) {
	h := begin(t)
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://host/v1/events", nil)
	req.Header.Set("Last-Event-ID", "yesterday")
	resp, err := h.as(t, os.Geteuid()).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("answer %s", resp.Status)
	}
}
