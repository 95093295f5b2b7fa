package publish

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"webex-tokend/daemon/disk"
)

// sweepLeftovers deletes temporary files that a process which was killed left
// in the folders of outputs: they may hold a token. It knows them by their
// name, see leftover, and by their owner. Folders with the name of a grant in
// their path are not swept.
func (p *Publisher) sweepLeftovers() {
	folders := make(map[string]struct{})
	for _, g := range p.cfg.Config.Grants {
		for _, f := range g.Files {
			if path := filepath.Dir(f.Path); !strings.Contains(path, "{{") {
				folders[path] = struct{}{}
			}
		}
	}
	leftover := leftover()
	var sweeps sync.WaitGroup
	for path := range folders {
		// At once, since each that does not answer is waited for. What fails here
		// fails as loudly when the output is written.
		sweeps.Go(func() {
			_, _ = disk.Do(p.cfg.Disk, path, func() (struct{}, error) {
				return struct{}{}, sweep(path, leftover, func(name string) {
					p.cfg.Log.Info("temporary file of an interrupted write is deleted", "path", filepath.Join(path, name))
				})
			})
		})
	}
	sweeps.Wait()
}

// leftover matches what renameio calls the file that is to replace NAME:
// .NAME and a random number below 2⁶³. Once in ten thousand that has fewer than
// sixteen digits; of other programs' files few have so many.
func leftover() *regexp.Regexp { return regexp.MustCompile(`^\..+[0-9]{16,19}$`) }

func sweep(path string, leftover *regexp.Regexp, deleted func(name string)) error {
	d, err := openFolder(path)
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.dir.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("list folder: %w", err)
	}
	for _, name := range names {
		if !leftover.MatchString(name) {
			continue
		}
		info, err := d.Lstat(name)
		if err != nil || !info.Mode().IsRegular() || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
			continue
		}
		if err := d.Remove(name); err != nil {
			return fmt.Errorf("delete temporary file: %w", err)
		}
		deleted(name)
	}
	return nil
}
