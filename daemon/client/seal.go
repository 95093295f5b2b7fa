package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"webex-tokend/daemon/wire"
)

// Backup writes the sealed store to w, and tells progress how many bytes of all
// it has; nil: nobody wants to know. After an error what w has got is not whole.
func (c *Client) Backup(ctx context.Context, w io.Writer, progress func(done, of int64)) (size int64, err error) {
	resp, err := c.send(ctx, call{method: http.MethodGet, path: "/v1/backup", work: true, accept: "application/octet-stream"})
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for err == nil {
		var n int64
		n, err = io.CopyN(w, resp.Body, 1<<20)
		size += n
		if progress != nil {
			progress(size, resp.ContentLength)
		}
	}
	if err == io.EOF && size == resp.ContentLength {
		return size, nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return size, fmt.Errorf("copy backup: %w", err)
}

// Move marks the store as moved. The daemon ends; then its file can be copied.
func (c *Client) Move(ctx context.Context, m wire.Move) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode move: %w", err)
	}
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/move", kind: "application/json", body: bytes.NewReader(body)}, nil)
}

// RotateKey has everything sealed by a new key and tells how far that is. The
// rotation goes on when the caller leaves.
func (c *Client) RotateKey(ctx context.Context) iter.Seq2[wire.Rotation, error] {
	return func(yield func(wire.Rotation, error) bool) {
		resp, err := c.send(ctx, call{method: http.MethodPost, path: "/v1/key/rotate", work: true, accept: wire.LinesType})
		if err != nil {
			yield(wire.Rotation{}, err)
			return
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		for lines.Scan() {
			var now wire.Rotation
			err := json.Unmarshal(lines.Bytes(), &now)
			if err == nil && now.Error != "" {
				err = errors.New(now.Error)
			}
			if err != nil {
				yield(now, fmt.Errorf("rotate key: %w", err))
				return
			}
			if !yield(now, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(wire.Rotation{}, fmt.Errorf("read progress: %w", err))
		}
	}
}

// RecoveryKey makes another wrapping key of the store. The daemon does not
// keep it.
func (c *Client) RecoveryKey(ctx context.Context) (wire.RecoveryKey, error) {
	var key wire.RecoveryKey
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/key/recovery"}, &key)
	return key, err
}

// KeySlots lists the wrapping keys that open the store.
func (c *Client) KeySlots(ctx context.Context) (wire.KeySlots, error) {
	var slots wire.KeySlots
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/key/slots"}, &slots)
	return slots, err
}

// ForgetKey takes its slot from the wrapping key of that ID, which does not
// open the store any more, and returns those that are left. The one that the
// daemon works with is a *Problem of status 409, an unknown one of 404.
func (c *Client) ForgetKey(ctx context.Context, id string) (wire.KeySlots, error) {
	var left wire.KeySlots
	err := c.do(ctx, call{method: http.MethodDelete, path: "/v1/key/slots/" + url.PathEscape(id)}, &left)
	return left, err
}
