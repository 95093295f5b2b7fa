package publish

import (
	"context"
	"errors"
	"fmt"

	"webex-tokend/daemon/disk"
)

// Probe tries whether the outputs of all exactly named grants could be
// written, without touching them: it makes the file that would replace each
// one, with its owner and mode, and deletes it again. The error joins one line
// for each output that fails.
func (p *Publisher) Probe(ctx context.Context) error {
	p.queue.mu.Lock()
	c := p.queue.config
	p.queue.mu.Unlock()
	var errs []error
	for _, name := range c.ExactNames() {
		grant, _ := c.Grant(name)
		for _, f := range grant.FilesFor(name) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			w := write{file: f, runtimeDir: c.RuntimeDir, ids: &p.ids}
			if _, err := disk.Do(p.cfg.Disk, w.folder(), func() (struct{}, error) { return struct{}{}, w.probe() }); err != nil {
				errs = append(errs, fmt.Errorf("grant %s: output %s: %w", name, f.Path, err))
			}
		}
	}
	return errors.Join(errs...)
}
