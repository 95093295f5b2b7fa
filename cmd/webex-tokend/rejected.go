package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"webex-tokend/daemon/wire"
)

// Rejects keep the answers to rejected lines, one JSON object a line: number,
// grant and error, and nothing of the line itself, which holds tokens.
type rejects struct {
	file *os.File // nil: nobody asked for one
}

func newRejects(name string) (*rejects, error) {
	if name == "" {
		return &rejects{}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write rejected lines: %w", err)
	}
	return &rejects{f}, nil
}

func (r *rejects) add(line wire.ImportedLine) error {
	if r.file == nil {
		return nil
	}
	if err := json.NewEncoder(r.file).Encode(line); err != nil {
		return fmt.Errorf("write rejected lines: %w", err)
	}
	return nil
}

func (r *rejects) close() {
	if r.file != nil {
		_ = r.file.Close()
	}
}

// skipLines passes over lines that an earlier import has done.
func skipLines(r *bufio.Reader, n int) error {
	for range n {
		_, err := r.ReadSlice('\n')
		for err == bufio.ErrBufferFull {
			_, err = r.ReadSlice('\n')
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tokens: %w", err)
		}
	}
	return nil
}

// interrupted says how to go on behind the last answered line. What was sent
// behind it may be stored as well, and sending it again does no harm.
func interrupted(b bulk, last int) string {
	if b.file == "-" {
		return fmt.Sprintf("lines up to %d are stored; importing all of them again does no harm", last)
	}
	return fmt.Sprintf("lines up to %d are done; go on with: webex-tokend import --bulk %s --skip %d", last, b.file, last)
}
