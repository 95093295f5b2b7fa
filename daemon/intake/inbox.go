package intake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/refusal"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
)

// settled is how long a file must not have changed before it is taken, unless
// it was renamed into the folder: then it is whole at once.
const settled = 2 * time.Second

// An Inbox takes files NAME.json from a folder and registers them. A file is
// removed when its tokens are durable; one that cannot be used is moved to
// rejected/ beside it, with the reason in a file NAME.json.reason.
type Inbox struct {
	Dir      string
	Registry *registry.Registry
	Log      hclog.Logger
	Now      func() time.Time // nil means time.Now

	seen map[string]look
}

// A look is the size and time of a file at the last look.
type look struct {
	size  int64
	mtime time.Time
	since time.Time
}

// Prepare makes the folders.
func (b *Inbox) Prepare() error {
	if err := os.MkdirAll(filepath.Join(b.Dir, "rejected"), 0o700); err != nil {
		return fmt.Errorf("make inbox: %w", err)
	}
	return nil
}

// Taken counts what became of the files in the folder.
type Taken struct {
	Waiting int // have not settled
	Failed  int // were rejected, or could not be stored
}

// Take looks at the folder once and registers what has settled. It is for one
// caller at a time.
func (b *Inbox) Take(ctx context.Context) (t Taken, err error) {
	entries, err := os.ReadDir(b.Dir)
	if err != nil {
		return t, fmt.Errorf("read inbox: %w", err)
	}
	looks := make(map[string]look)
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || unfinished(name) || ctx.Err() != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // gone again
		}
		now := b.look(info)
		if now.since.Add(settled).After(b.now()) {
			looks[name] = now
			t.Waiting++
			continue
		}
		b.take(ctx, name, &t)
	}
	b.seen = looks
	return t, nil
}

// unfinished tells of the names that tools give to what they are still writing,
// before they rename it.
func unfinished(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part")
}

// look compares a file with what it was before. One whose content was last
// written some time before it appeared here was renamed in, and is whole.
func (b *Inbox) look(info fs.FileInfo) look {
	l := look{size: info.Size(), mtime: info.ModTime(), since: b.now()}
	before, known := b.seen[info.Name()]
	switch {
	case known && before.size == l.size && before.mtime.Equal(l.mtime):
		if before.since.Before(l.since) { // else the clock was set back
			l.since = before.since
		}
	case !known && b.now().Sub(l.mtime) >= settled:
		l.since = l.mtime
	}
	return l
}

// take registers one file, then removes it. A crash in between repeats the
// registration, which changes nothing. A file of the same name that came
// meanwhile stays for the next look.
func (b *Inbox) take(ctx context.Context, file string, t *Taken) {
	path := filepath.Join(b.Dir, file)
	before, err := os.Lstat(path)
	if err != nil {
		return // gone again
	}
	err = b.register(ctx, file, path)
	if err == nil {
		b.Log.Info("taken from the inbox", "file", file)
		if !unchanged(path, before) {
			return
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			b.Log.Error("taken file stays in the inbox", "file", file, "error", err)
		}
		return
	}
	t.Failed++
	if _, refused := errors.AsType[*refusal.Error](err); !refused && !errors.Is(err, errUnusable) {
		b.Log.Error("inbox file not stored, trying again", "file", file, "error", err)
		return
	}
	b.Log.Error("inbox file rejected", "file", file, "error", err)
	b.reject(file, path, err)
}

// unchanged reports whether a path still leads to the file that was read.
func unchanged(path string, before fs.FileInfo) bool {
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(now, before) && now.Size() == before.Size() && now.ModTime().Equal(before.ModTime())
}

var errUnusable = errors.New("not usable")

func (b *Inbox) register(ctx context.Context, file, path string) error {
	name, ok := strings.CutSuffix(file, ".json")
	if !ok {
		return fmt.Errorf("its name does not end in .json: %w", errUnusable)
	}
	data, err := readFile(path)
	if err != nil {
		return fmt.Errorf("%v: %w", err, errUnusable)
	}
	reg, err := parse(b.Registry, name, data, tokenfile.Auto, b.now())
	if err != nil {
		return fmt.Errorf("%v: %w", err, errUnusable)
	}
	if _, err = b.Registry.Register(ctx, name, reg); err == nil && len(reg.Notes) > 0 {
		b.Log.Warn("inbox file is odd", "file", file, "notes", reg.Notes)
	}
	return err
}

// reject moves the file before it writes the reason: a reason without its file
// would be the worse half.
func (b *Inbox) reject(file, path string, why error) {
	to := filepath.Join(b.Dir, "rejected", file)
	if err := os.Rename(path, to); err != nil {
		b.Log.Error("rejected file stays in the inbox", "file", file, "error", err)
		return
	}
	if err := os.WriteFile(to+".reason", []byte(why.Error()+"\n"), 0o600); err != nil {
		b.Log.Error("reason for a rejected file not written", "file", file, "error", err)
	}
}

func (b *Inbox) now() time.Time {
	if b.Now == nil {
		return time.Now()
	}
	return b.Now()
}
