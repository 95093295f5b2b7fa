package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/disk"
)

// Remove deletes the files of a grant that the store no longer holds, once
// whoever writes them has finished. One that came back meanwhile keeps them, and
// gets its new token. It goes on after an error and returns all of them, or that
// of ctx when it ends first.
func (p *Publisher) Remove(ctx context.Context, name string) error {
	var g *grant
	var files []config.File
	err := p.wait(ctx, func(q *queue) bool {
		g = q.take(name)
		files, _ = p.outputs(name)
		return g != nil
	})
	if err != nil {
		return err
	}
	if current, unread := p.cfg.Current(ctx, name); unread != nil || current.Access.Empty() {
		err = p.removeFiles(files)
	}
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	// Whoever asked for the grant meanwhile did so in vain: it is looked at once
	// more, and then written or forgotten. While a file stays, its mark does.
	g.fresh, g.again, g.marked = true, true, err == nil
	p.queue.release(name, g)
	return err
}

// removeFiles goes on after an error and returns all of them.
func (p *Publisher) removeFiles(files []config.File) error {
	var errs []error
	for _, f := range files {
		if f.Shut != "" {
			continue // what stands there is not ours
		}
		_, err := disk.Do(p.cfg.Disk, filepath.Dir(f.Path), func() (struct{}, error) { return struct{}{}, removeFile(f.Path) })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removeFile deletes a regular file; anything else in its place is not ours.
func removeFile(path string) error {
	d, err := openFolder(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	info, err := d.holds(path)
	if err != nil || info == nil {
		return err
	}
	if err := d.Remove(filepath.Base(path)); err != nil {
		return fmt.Errorf("remove token file: %w", err)
	}
	return nil
}
