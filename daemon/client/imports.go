package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"time"

	"webex-tokend/daemon/wire"
)

// An Import is a token response, or a file with tokens, on its way in.
type Import struct {
	Content io.Reader
	// Format names what Content is; empty: the daemon finds out.
	Format string
	// IssuedAt is the time of issue; zero: not known.
	IssuedAt time.Time
}

// Import registers tokens under a grant.
func (c *Client) Import(ctx context.Context, name string, i Import) (wire.Imported, error) {
	query := url.Values{}
	if i.Format != "" {
		query.Set("format", i.Format)
	}
	if !i.IssuedAt.IsZero() {
		query.Set("issued_at", i.IssuedAt.UTC().Format(time.RFC3339Nano))
	}
	var imported wire.Imported
	err := c.do(ctx, call{
		method: http.MethodPut,
		path:   grantPath(name),
		query:  query,
		kind:   "application/octet-stream",
		body:   i.Content,
	}, &imported)
	return imported, err
}

// answerLimit is far above the longest line that the daemon answers with.
const answerLimit = 1 << 20

// ImportLines registers one token response a line, each an object with the key
// "grant" beside those of the response, and returns one answer a line, in the
// order of the lines, while they are still being sent. A rejected line is an
// answer, not an error; after an error it is not known what became of the
// lines that were not answered. Importing them again does no harm.
func (c *Client) ImportLines(ctx context.Context, lines io.Reader) iter.Seq2[wire.ImportedLine, error] {
	return func(yield func(wire.ImportedLine, error) bool) {
		resp, err := c.send(ctx, call{
			method: http.MethodPost,
			path:   "/v1/import",
			kind:   wire.LinesType,
			accept: wire.LinesType,
			body:   lines,
		})
		if err != nil {
			yield(wire.ImportedLine{}, err)
			return
		}
		defer resp.Body.Close()
		scanner := bufio.NewScanner(resp.Body)
		scanner.Buffer(nil, answerLimit)
		for scanner.Scan() {
			var line wire.ImportedLine
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				yield(line, fmt.Errorf("read answer to bulk import: %w", err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
		if err := scanner.Err(); err != nil {
			yield(wire.ImportedLine{}, fmt.Errorf("read answers to bulk import: %w", err))
		}
	}
}
