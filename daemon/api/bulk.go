package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"sync"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/daemon/wire"
)

// A bulk import stores many lines at once, so that they share the store's
// commits. Lines of one grant go through one lane, in their order; answers
// come in the order of the lines. As many lines are under way as there are
// lanes, and as many wait: 32 MiB if each is as long as it may be.
const (
	lanes     = 256
	lineLimit = 64 << 10
	// lineTimeout is how long a stream may be silent, and how long its client
	// may take to read an answer.
	lineTimeout = 5 * time.Minute
)

// A bulkLine is one line on its way. Whoever fills in answer closes done.
type bulkLine struct {
	registry.Registration
	answer wire.ImportedLine
	done   chan struct{}
}

// importLines serves POST /v1/import: lines come in and answers go out on the
// same connection at the same time. A line that is of no use is answered and
// stops nothing.
func (s *Server) importLines(c *call) error {
	control := http.NewResponseController(c.w)
	if err := control.EnableFullDuplex(); err != nil {
		return fmt.Errorf("answer while reading: %w", err)
	}
	c.w.Header()["Content-Type"] = []string{wire.LinesType}
	c.w.WriteHeader(http.StatusOK)

	// What ends the reading must end a read under way too: the server stops,
	// or the client no longer takes answers.
	ctx, stop := context.WithCancel(s.streams)
	defer stop()
	unhook := context.AfterFunc(ctx, func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
	defer unhook()

	var work sync.WaitGroup
	queue := make(chan *bulkLine, lanes)
	var byGrant [lanes]chan *bulkLine
	for i := range byGrant {
		byGrant[i] = make(chan *bulkLine, 1)
		work.Go(func() {
			// What has been read whole is stored even if its client has left.
			s.registerLines(context.WithoutCancel(c.r.Context()), byGrant[i])
		})
	}
	work.Go(func() {
		defer close(queue)
		seed := maphash.MakeSeed()
		s.readLines(ctx, c, control, func(line *bulkLine) {
			queue <- line
			if line.answer.Error != "" {
				close(line.done)
				return
			}
			byGrant[maphash.String(seed, line.answer.Grant)%lanes] <- line
		})
		for _, lane := range byGrant {
			close(lane)
		}
	})
	answerLines(c.w, control, queue, stop)
	work.Wait()
	return nil
}

func (s *Server) registerLines(ctx context.Context, lane <-chan *bulkLine) {
	for line := range lane {
		registered, err := s.cfg.Registry.Register(ctx, line.answer.Grant, line.Registration)
		if err != nil {
			line.answer.Error = err.Error()
		} else {
			line.answer.Result, line.answer.Note, line.answer.Notes = registered.Result, registered.Note, line.Notes
		}
		line.Registration = registry.Registration{}
		close(line.done)
	}
}

// readLines passes on each line, with its error when it is of no use. The last
// one tells why reading ended, unless it was the end of the body.
func (s *Server) readLines(ctx context.Context, c *call, control *http.ResponseController, pass func(*bulkLine)) {
	lines := bufio.NewReaderSize(c.r.Body, lineLimit)
	for number := 1; ; number++ {
		numbered := func(line *bulkLine) {
			line.answer.Line = number
			pass(line)
		}
		// Our deadline before the question, so that the hook's comes last.
		_ = control.SetReadDeadline(time.Now().Add(lineTimeout))
		var text []byte
		err := ctx.Err()
		if err == nil {
			text, err = readLine(lines)
		}
		switch {
		case errors.Is(err, errLongLine):
			numbered(rejected("", err.Error()))
			continue
		case len(text) > 0:
			numbered(c.parseLine(text, s.cfg.Now()))
		}
		switch {
		case err == nil:
			continue
		case err == io.EOF:
		case ctx.Err() != nil:
			numbered(rejected("", "the daemon is stopping; lines from here on were not read"))
		default:
			numbered(rejected("", fmt.Sprintf("lines from here on were not read: %v", err)))
		}
		return
	}
}

func rejected(grant, why string) *bulkLine {
	return &bulkLine{answer: wire.ImportedLine{Grant: grant, Error: why}, done: make(chan struct{})}
}

// parseLine does what the gate and importOne do for a single grant.
func (c *call) parseLine(text []byte, now time.Time) *bulkLine {
	found, err := tokenfile.ParseLine(text)
	if err == nil {
		err = found.Check(now)
	}
	if found.Grant != "" {
		if nameless := grantname.Valid(found.Grant); nameless != nil {
			return rejected("", nameless.Error()) // and not repeated, as by the gate
		}
	}
	switch {
	case err != nil:
		return rejected(found.Grant, err.Error())
	case !c.rules.Allowed(c.peer, acl.Admin, found.Grant):
		return rejected(found.Grant, "not allowed")
	}
	line := rejected(found.Grant, "")
	line.Registration = registrationOf(found.Import)
	return line
}

var errLongLine = errors.New("line is longer than 64 KiB")

// readLine returns the next line without its end. A line that is too long is
// skipped whole.
func readLine(r *bufio.Reader) ([]byte, error) {
	text, err := r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		for err == bufio.ErrBufferFull {
			_, err = r.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		return nil, errLongLine
	}
	return bytes.TrimSpace(text), err
}

// answerLines writes the answers as they come. It empties the queue in any
// case, so that the reader is not held up.
func answerLines(w io.Writer, control *http.ResponseController, queue <-chan *bulkLine, stop func()) {
	out := json.NewEncoder(w)
	var failed error
	for line := range queue {
		<-line.done
		if failed != nil {
			continue
		}
		_ = control.SetWriteDeadline(time.Now().Add(lineTimeout))
		if failed = out.Encode(line.answer); failed == nil && len(queue) == 0 {
			failed = control.Flush()
		}
		if failed != nil {
			stop()
		}
	}
}
