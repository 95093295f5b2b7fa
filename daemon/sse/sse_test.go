package sse_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/sse"
)

func TestWhatIsServedIsReadAsItWas(t *testing.T) {
	sent := []sse.Event{{ID: "1", Name: "refreshed", Data: `{"grant":"ops"}`}, {Data: "two\nlines"}, {ID: "0", Name: "skipped", Data: "x"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		turns := [][]sse.Event{sent[:2], nil, sent[2:]}
		err := sse.Serve(w, sse.Config{Retry: 2 * time.Second, WriteTimeout: time.Minute}, func() ([]sse.Event, error) {
			if len(turns) == 0 {
				return nil, io.EOF
			}
			turn := turns[0]
			turns = turns[1:]
			return turn, nil
		})
		if err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != sse.MediaType {
		t.Errorf("the stream is %s", got)
	}
	var text strings.Builder
	var got []sse.Event
	for r := sse.NewReader(io.TeeReader(resp.Body, &text)); ; {
		e, err := r.Next()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if !slices.Equal(got, sent) {
		t.Errorf("read %q, want %q", got, sent)
	}
	if !strings.HasPrefix(text.String(), "retry: 2000\n\nid: 1\n") || !strings.Contains(text.String(), "\n\n:\n\nid: 0\n") {
		t.Errorf("served was\n%s", text.String())
	}
}

func TestAReaderSkipsWhatItDoesNotKnow(t *testing.T) {
	r := sse.NewReader(strings.NewReader(": comment\n\nretry: 5\n\nevent: lonely\n\nmood:good\ndata:a\ndata: b\n\ndata: cut off\n"))
	if e, err := r.Next(); err != nil || e.Data != "a\nb" {
		t.Errorf("read %+v, %v", e, err)
	}
	if e, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %+v, %v", e, err)
	}
}

func TestAStreamThatCannotBeginIsAnError(t *testing.T) {
	err := sse.Serve(httptest.NewRecorder(), sse.Config{}, func() ([]sse.Event, error) { return nil, io.EOF })
	if err == nil {
		t.Error("a writer without deadlines is taken")
	}
}
