package provider

import (
	"context"
	"io"
	"strings"
	"sync"
)

// A departure decides, once and for all, between a caller that leaves and a
// request that goes out. The first read of the body is the point: a header may
// have been written by then, but no server acts on one whose announced body
// does not follow. Refusing the body keeps the refresh token here; handing it
// over makes the exchange deaf to its caller.
type departure struct {
	cancel context.CancelFunc // of the exchange
	may    func() error       // the caller's last word, asked for each body; nil: yes

	mu       sync.Mutex
	left     bool // the caller went away
	departed bool // the body was handed over
	refused  error
}

// leave ends an exchange that has not departed yet.
func (d *departure) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left = true
	if !d.departed {
		d.cancel()
	}
}

func (d *departure) depart() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left && !d.departed {
		return context.Canceled
	}
	if d.may != nil {
		if err := d.may(); err != nil {
			d.refused = err
			return err
		}
	}
	d.departed = true
	return nil
}

// refusal is why the caller let nothing leave; nil: it did.
func (d *departure) refusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.departed {
		return nil
	}
	return d.refused
}

func (d *departure) sent() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.departed
}

// body returns a request body whose first Read is the departure.
func (d *departure) body(text string) io.ReadCloser {
	return io.NopCloser(&departingBody{departure: d, text: strings.NewReader(text)})
}

// departingBody hides the other methods of its reader: io.Copy would get
// around Read by WriteTo.
type departingBody struct {
	departure *departure
	text      *strings.Reader
	begun     bool
}

func (b *departingBody) Read(p []byte) (int, error) {
	if !b.begun {
		if err := b.departure.depart(); err != nil {
			return 0, err
		}
		b.begun = true
	}
	return b.text.Read(p)
}
