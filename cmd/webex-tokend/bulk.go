package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"webex-tokend/daemon/wire"
)

// rejectedShown is how many rejected lines, and how many odd ones, are told one by
// one.
const rejectedShown = 20

// A bulk is an import of many lines.
type bulk struct {
	file     string
	skip     int    // lines at the beginning that an earlier import did
	rejected string // file for the answers to what was not taken; empty: none
	asJSON   bool
}

// importBulk sends the lines of a file and tells what became of them. A
// rejected line stops nothing, but the command fails.
func importBulk(ctx context.Context, c *console, b bulk) error {
	content, err := c.open(b.file)
	if err != nil {
		return err
	}
	defer content.Close()
	input := any(content)
	if b.file == "-" {
		input = c.in
	}
	kept, err := newRejects(b, input)
	if err != nil {
		return err
	}
	defer kept.close()
	sent := &counted{r: content}
	size, bar := sizeOf(content), newProgress(c.err)
	out := json.NewEncoder(c.out)
	lines := bufio.NewReader(sent)
	if err := skipLines(lines, b.skip); err != nil {
		return err
	}

	daemon := c.daemon()
	defer daemon.Close()
	results := make(map[string]int)
	var rejected, odd []wire.ImportedLine
	answered, last := 0, b.skip
	for line, err := range daemon.ImportLines(ctx, lines) {
		if err != nil {
			bar.end()
			return &failure{explain(err).code, err, interrupted(b, last)}
		}
		answered++
		line.Line += b.skip
		last = line.Line
		if line.Error != "" {
			results["rejected"]++
			if err := kept.add(line); err != nil {
				return err
			}
			if len(rejected) < rejectedShown {
				rejected = append(rejected, line)
			}
		} else {
			results[line.Result]++
		}
		if len(line.Notes) > 0 && len(odd) < rejectedShown {
			odd = append(odd, line)
		}
		if b.asJSON {
			if err := out.Encode(line); err != nil {
				return fmt.Errorf("write answer: %w", err)
			}
		}
		bar.show(sent.n.Load(), size, "%s, %.0f a second", plural(answered, "line"), bar.rate(answered))
	}
	bar.end()
	for _, line := range rejected {
		fmt.Fprintf(c.err, "line %d%s: %s\n", line.Line, inParentheses(line.Grant), line.Error)
	}
	for _, line := range odd {
		fmt.Fprintf(c.err, "note: line %d%s: %s\n", line.Line, inParentheses(line.Grant), strings.Join(line.Notes, "; "))
	}
	if more := results["rejected"] - len(rejected); more > 0 {
		fmt.Fprintf(c.err, "and %d more rejected lines; --json shows all\n", more)
	}
	if !b.asJSON {
		fmt.Fprintln(c.out, bulkLine(answered, results))
	}
	if results["rejected"] > 0 {
		return &failure{exitFailed, fmt.Errorf("%d of %d lines were rejected", results["rejected"], answered), ""}
	}
	return nil
}

func inParentheses(grant string) string {
	if grant == "" {
		return ""
	}
	return " (" + grant + ")"
}

func bulkLine(answered int, results map[string]int) string {
	var parts []string
	for _, result := range []string{"new", "replaced", "unchanged", "rejected"} {
		if n := results[result]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, result))
		}
	}
	if len(parts) == 0 {
		return "no lines"
	}
	return fmt.Sprintf("%s: %s", plural(answered, "line"), strings.Join(parts, ", "))
}

// counted knows how much of a file has gone out.
type counted struct {
	r io.Reader
	n atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// sizeOf returns 0 for what has no size, as a pipe.
func sizeOf(r io.Reader) int64 {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}
