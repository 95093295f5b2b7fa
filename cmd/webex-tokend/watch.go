package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"webex-tokend/daemon/client"
)

// Spans grow shorter by themselves, so the picture is renewed even when
// nothing happens, and not more often than an eye can follow when much does.
const (
	slowestPicture = time.Second
	fastestPicture = 250 * time.Millisecond
)

// follow draws the present in place until ctx ends. When the daemon goes away
// it says so and waits for it.
func (s *statusCommand) follow(ctx context.Context, daemon *client.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	happened := make(chan struct{}, 1)
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		listen(ctx, daemon, happened)
	}()
	defer func() {
		cancel()
		<-listened
		fmt.Fprint(s.out, "\x1b[?7h\x1b[?25h") // wrap again, show the cursor
	}()
	// Hide it, cut long lines off instead of wrapping them, clear the screen: a
	// line that wraps would push the first ones out.
	fmt.Fprint(s.out, "\x1b[?25l\x1b[?7l\x1b[2J")
	for {
		if err := s.redraw(ctx, daemon); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(fastestPicture):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-happened:
		case <-time.After(slowestPicture):
		}
	}
}

// listen signals what happens until ctx ends, through restarts of the daemon.
func listen(ctx context.Context, daemon *client.Client, happened chan<- struct{}) {
	for ctx.Err() == nil {
		for _, err := range daemon.Events(ctx, client.Latest) {
			if err != nil {
				break
			}
			select {
			case happened <- struct{}{}:
			default:
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(slowestPicture):
		}
	}
}

func (s *statusCommand) redraw(ctx context.Context, daemon *client.Client) error {
	on := screenOf(s.out)
	var picture bytes.Buffer
	err := s.draw(ctx, daemon, &picture, on)
	switch f := explain(err); {
	case ctx.Err() != nil:
		return nil
	case err == nil:
	case f.code == exitUnreachable:
		picture.Reset()
		fmt.Fprintf(&picture, "%s\n  %s\n", on.paint(red, f.Error()), f.hint)
	default:
		return err
	}
	_, err = s.out.Write(frame(picture.Bytes(), on.height))
	return err
}

// frame puts a picture in the place of the one before.
func frame(picture []byte, height int) []byte {
	var b bytes.Buffer
	b.WriteString("\x1b[H") // to the upper left corner
	lines := 0
	for line := range bytes.Lines(picture) {
		if lines++; lines == height {
			break // the last line stays free, or the screen would scroll
		}
		// Clear the line before: behind a full one the cursor stands on its last
		// character still.
		b.WriteString("\x1b[K")
		b.Write(line)
	}
	b.WriteString("\x1b[J") // and below
	return b.Bytes()
}
