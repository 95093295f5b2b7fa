package provider

import (
	"context"
	"io"
	"strings"
	"sync"
)

// A sendPoint decides, once and for all, between a caller that leaves and a
// request that goes out. The first read of the body is the point: a header may
// have been written by then, but no server acts on one whose announced body
// does not follow. Refusing the body keeps the refresh token here; handing it
// over makes the exchange deaf to its caller.
type sendPoint struct {
	cancel context.CancelFunc // of the exchange
	may    func() error       // the caller's last word, asked for each body; nil: yes

	mu      sync.Mutex
	left    bool // the caller went away
	passed  bool // the body was handed over
	refused error
}

// leave ends an exchange that has not passed it yet.
func (d *sendPoint) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = true
	if !d.passed {
		d.cancel()
	}
}

func (d *sendPoint) pass() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left && !d.passed {
		return context.Canceled
	}
	if d.may != nil {
		if err := d.may(); err != nil {
			d.refused = err
			return err
		}
	}
	d.passed = true
	return nil
}

// refusal is why the caller let nothing leave; nil: it did.
func (d *sendPoint) refusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.passed {
		return nil
	}
	return d.refused
}

func (d *sendPoint) sent() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passed
}

// body returns a request body whose first Read is the send point.
func (d *sendPoint) body(text string) io.ReadCloser {
	return io.NopCloser(&gatedBody{point: d, text: strings.NewReader(text)})
}

// gatedBody hides the other methods of its reader: io.Copy would get
// around Read by WriteTo.
type gatedBody struct {
	point *sendPoint
	text  *strings.Reader
	begun bool
}

func (b *gatedBody) Read(p []byte) (int, error) {
	if !b.begun {
		if err := b.point.pass(); err != nil {
			return 0, err
		}
		b.begun = true
	}
	return b.text.Read(p)
}
