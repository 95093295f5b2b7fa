// Package intake registers grants from files: seeds that a grant block names,
// and the inbox folder. It promises that reading the same file again changes
// nothing, and that a file is gone from the inbox only when it is stored.
package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/disk"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
)

// fileLimit is the most that is read of a seed or inbox file, in bytes.
const fileLimit = 64 << 10

// Seeds registers grants from the files of their seed blocks.
type Seeds struct {
	Registry *registry.Registry
	Pending  Pending
	// Disk bounds what a path that does not answer holds up; nil: nothing does.
	Disk *disk.Calls
	Log  hclog.Logger
}

// Pending are the grants that have no record yet. *state.Book knows them.
type Pending interface {
	// PendingSeeds lists those that wait for their seed file.
	PendingSeeds() []*config.Grant
	// Pend gives the reason why one waits, and reports whether it is another than
	// before.
	Pend(name, reason string) (news bool)
}

// ReadAll reads the seed of every grant that has one, for starts and reloads,
// and reports whether all that are there were of use.
func (s *Seeds) ReadAll(ctx context.Context, cfg *config.Config) (usable bool) {
	usable = true
	for _, g := range cfg.Grants {
		if g.Seed == nil || g.Pattern() {
			continue
		}
		if _, err := s.read(ctx, g); err != nil {
			usable = false
			s.tell(g, err)
		}
	}
	return usable
}

// ReadMissing reads the seeds of grants that have nothing yet, for sweeps. The
// log tells what is wrong with one only when it is news.
func (s *Seeds) ReadMissing(ctx context.Context) {
	for _, g := range s.Pending.PendingSeeds() {
		if news, err := s.read(ctx, g); err != nil && news {
			s.tell(g, err)
		}
	}
}

// Folders lists where seeds that are missed will come.
func (s *Seeds) Folders() (list []string) {
	for _, g := range s.Pending.PendingSeeds() {
		list = append(list, filepath.Dir(g.Seed.File))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// read registers one seed. What is wrong with it becomes the reason why the
// grant is pending, if it is; news tells that the reason was another one.
func (s *Seeds) read(ctx context.Context, g *config.Grant) (news bool, err error) {
	data, err := disk.Do(s.Disk, filepath.Dir(g.Seed.File), func() ([]byte, error) { return readFile(g.Seed.File) })
	if errors.Is(err, fs.ErrNotExist) {
		return s.Pending.Pend(g.Name, "seed missing"), nil
	}
	if err == nil {
		err = s.register(ctx, g, data)
	}
	if err != nil {
		news = s.Pending.Pend(g.Name, fmt.Sprintf("seed not usable: %v", err))
	}
	return news, err
}

func (s *Seeds) tell(g *config.Grant, err error) {
	s.Log.Error("seed not usable", "grant", g.Name, "file", g.Seed.File, "error", err)
}

func (s *Seeds) register(ctx context.Context, g *config.Grant, data []byte) error {
	reg, err := parse(s.Registry, g.Name, data, g.Seed.Format, time.Now())
	if err != nil {
		return err
	}
	reg.Standing = true
	registered, err := s.Registry.Register(ctx, g.Name, reg)
	// Of a seed that is read again at each start, the oddities are no news.
	if len(reg.Notes) > 0 && err == nil && registered.Result != "unchanged" {
		s.Log.Warn("seed is odd", "grant", g.Name, "file", g.Seed.File, "notes", reg.Notes)
	}
	return err
}

// parse turns a file into what the registry takes.
func parse(k *registry.Registry, name string, data []byte, format string, now time.Time) (registry.Registration, error) {
	// A grant that is not declared is refused by Register, with better words.
	if kind := k.KindOf(name); kind != "" {
		format = tokenfile.FormatFor(string(kind), format)
	}
	parsed, err := tokenfile.Parse(data, format)
	if err == nil {
		err = parsed.Check(now)
	}
	if err != nil {
		return registry.Registration{}, err
	}
	return registry.Registration{Answer: parsed.Answer, IssuedAt: parsed.IssuedAt}, nil
}

// readFile reads a regular file of acceptable size. Without O_NONBLOCK a pipe
// in its place would hold the daemon.
func readFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, fileLimit+1))
	if err == nil && len(data) > fileLimit {
		err = fmt.Errorf("%s is longer than %d bytes", path, fileLimit)
	}
	return data, err
}
