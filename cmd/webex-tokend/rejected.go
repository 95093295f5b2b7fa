package main

import (
	"bufio"
	"encoding/json"
	"errors"
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

// newRejects opens the file for the answers of an import. One that goes on with
// what an earlier one left keeps the answers that the earlier one wrote.
func newRejects(b bulk, input any) (*rejects, error) {
	if b.rejected == "" {
		return &rejects{}, nil
	}
	if sameFile(b.rejected, input) {
		return nil, &failure{exitUsage, errors.New("--rejected names the very file that is imported"), "name another file by --rejected"}
	}
	mode := os.O_TRUNC
	if b.skip > 0 {
		mode = os.O_APPEND
	}
	f, err := os.OpenFile(b.rejected, os.O_WRONLY|os.O_CREATE|mode, 0o600)
	if err != nil {
		return nil, &failure{exitFailed, fmt.Errorf("write rejected lines: %w", err), rootHint(err)}
	}
	return &rejects{f}, nil
}

// sameFile reports whether a name, by whatever path or link, leads to the file
// that is open for reading. A terminal or a pipe loses nothing by being both.
func sameFile(name string, open any) bool {
	f, ok := open.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	other, err := os.Stat(name)
	return err == nil && os.SameFile(info, other)
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
	text := fmt.Sprintf("lines up to %d are done; go on with: webex-tokend import --bulk %s --skip %d", last, b.file, last)
	if b.rejected != "" {
		text += " --rejected " + b.rejected
	}
	return text
}
