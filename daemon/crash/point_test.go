package crash_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"syscall"
	"time"

	"webex-tokend/store"
)

// A point is a place in a refresh at which the process ends by SIGKILL.
type point string

const (
	beforeIntent      point = "before the intent"
	afterIntent       point = "after the intent"
	beforeRequest     point = "before the request"
	atHeader          point = "at the header of the answer"
	inAnswer          point = "in the middle of the answer"
	afterAnswer       point = "at the end of the answer"
	beforeOutcome     point = "before the commit of the answer"
	afterOutcome      point = "after the commit of the answer"
	beforePublication point = "before the note of the publication"
	afterPublication  point = "after the note of the publication"
)

// points lists them in their order. costly are those that lose the answer when
// the server has no grace: it was sent, and is not durable.
func points() (all []point, costly map[point]bool) {
	all = []point{beforeIntent, afterIntent, beforeRequest, atHeader, inAnswer, afterAnswer,
		beforeOutcome, afterOutcome, beforePublication, afterPublication}
	return all, map[point]bool{atHeader: true, inAnswer: true, afterAnswer: true, beforeOutcome: true}
}

// A trap ends the process when it comes to its point.
type trap struct {
	at       point
	sick     bool      // the disk refuses outcomes
	answered time.Time // the last answer was read to its end
}

func (t *trap) reach(p point) {
	if p == t.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// A trappedKV is the store's waist with the points of a refresh. It tells by
// lines on standard output what became durable.
type trappedKV struct {
	store.KV
	trap *trap
}

func (k trappedKV) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	before, after := beforePublication, afterPublication
	var opens, outcome bool
	for _, m := range c.Marks {
		switch {
		case m.Index == store.OpenIndex && m.Value != nil:
			before, after, opens = beforeIntent, afterIntent, true
		case m.Index == store.OpenIndex && c.Expect != store.Absent:
			before, after, outcome = beforeOutcome, afterOutcome, true
		}
	}
	if c.Write != nil && !outcome || c.Expect == store.Absent {
		return k.KV.Swap(ctx, c) // a registration, or a due time
	}
	k.trap.reach(before)
	if outcome && k.trap.sick {
		return 0, syscall.EIO
	}
	revision, err := k.KV.Swap(ctx, c)
	k.trap.reach(after)
	switch {
	case err != nil:
	case opens:
		fmt.Println("intent")
	case outcome && !k.trap.answered.IsZero():
		fmt.Println("window", time.Since(k.trap.answered).Nanoseconds())
	}
	return revision, err
}

// A hastyKV acknowledges an outcome before it is durable, and lets its readers
// believe it. That is the fault which the matrix must be able to see.
type hastyKV struct {
	store.KV
	row *store.Row // not stored
}

func (k *hastyKV) Swap(ctx context.Context, c store.Change) (store.Revision, error) {
	for _, m := range c.Marks {
		if m.Index == store.OpenIndex && m.Value == nil && c.Expect != store.Absent {
			k.row = &store.Row{Name: c.Name, Revision: c.Expect + 1, Value: c.Write.Value}
			return k.row.Revision, nil
		}
	}
	return k.KV.Swap(ctx, c)
}

func (k *hastyKV) Get(ctx context.Context, name string) (store.Row, error) {
	if k.row != nil {
		return *k.row, nil
	}
	return k.KV.Get(ctx, name)
}

// A trappedWay is the way to the token endpoint with its points.
type trappedWay struct {
	http.RoundTripper
	trap *trap
}

func (w trappedWay) RoundTrip(r *http.Request) (*http.Response, error) {
	w.trap.reach(beforeRequest)
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	w.trap.reach(atHeader)
	resp.Body = &trappedBody{ReadCloser: resp.Body, trap: w.trap}
	return resp, nil
}

type trappedBody struct {
	io.ReadCloser
	trap *trap
}

func (b *trappedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), 64)])
	if n > 0 {
		b.trap.reach(inAnswer)
	}
	if err != nil {
		b.trap.answered = time.Now()
		b.trap.reach(afterAnswer)
	}
	return n, err
}
