package seal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/renameio/v2"

	"webex-tokend/store"
)

// An Anchor finds out that a store is an older copy of itself, or runs on
// another machine. It is a number kept twice, in the store and in a file outside
// it, and only ever raised: a copy that was put back has the lower one.
//
// It is raised at every start, and after every backup was taken. So a copy that
// the daemon made, and one made while it was stopped, are always behind. A copy
// of the file that somebody made under the running daemon is not until the next
// of these; and where a whole machine is set back, the file goes with it, and
// nothing shows.
type Anchor struct {
	Ring *Ring
	// Path of the file. It holds, sealed, {"generation":7,"machine":"..."}.
	Path string
	// Machine identifies the host; empty: not known, and not compared.
	Machine string
	// Shared: other hosts raise it too. Then a host without a file is a new one,
	// and a file behind the store is one of a host that was away.
	Shared bool
}

const (
	anchorBlob = "anchor"
	// The file is sealed for another place than the blob, so that neither can
	// be put in the other's place.
	anchorPlace     = "anchor"
	anchorFilePlace = "anchor file"
	// settled is the least generation that a store has had beside its file:
	// below, the first start may have been cut off.
	settled = 2
)

type anchored struct {
	Generation uint64 `json:"generation"`
	Machine    string `json:"machine,omitempty"`
	// Arrived: the store was moved here, and not started since.
	Arrived bool `json:"arrived,omitempty"`
}

// MachineID reads what systemd calls this host; empty where it has no name.
func MachineID() string {
	text, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Doubt returns why the store cannot be taken for the latest one of this host;
// empty: it can.
func (a Anchor) Doubt(ctx context.Context) (string, error) {
	in, _, err := a.inStore(ctx)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(a.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if in.Generation < settled || a.Shared || in.Arrived {
			return "", nil
		}
		return "it was not written on this host: there is no " + a.Path, nil
	}
	if err != nil {
		return "", fmt.Errorf("read anchor: %w", err)
	}
	outside, err := a.open(anchorFilePlace, b)
	switch {
	case (a.Shared || in.Arrived) && (err != nil || outside.Generation <= in.Generation):
		return "", nil
	case err != nil:
		return "it is not the one that " + a.Path + " was written with", nil
	case outside.Generation > in.Generation:
		return fmt.Sprintf("it is an older copy, of generation %d where %d was reached", in.Generation, outside.Generation), nil
	case outside.Machine != "" && a.Machine != "" && outside.Machine != a.Machine:
		return "it was written on another machine", nil
	}
	return "", nil
}

// Raise counts one up: in the store first, since a file that is ahead of it by
// a crash would cast doubt on a good store. Whoever raises a store in doubt
// settles the doubt.
func (a Anchor) Raise(ctx context.Context) error {
	in, revision, err := a.inStore(ctx)
	if err != nil {
		return err
	}
	outside := anchored{Generation: max(a.reached(), in.Generation) + 1, Machine: a.Machine}
	value, err := a.seal(anchorPlace, anchored{Generation: outside.Generation})
	if err != nil {
		return err
	}
	_, err = a.Ring.kv.SwapBlob(ctx, anchorBlob, revision, value)
	if errors.Is(err, store.ErrConflict) {
		return a.Raise(ctx)
	}
	if err != nil {
		return fmt.Errorf("store anchor: %w", err)
	}
	if err := a.write(outside); err != nil {
		return err
	}
	if outside.Generation < settled {
		return a.Raise(ctx)
	}
	return nil
}

// Arrive has the next start trust a store that was moved, wherever it is started:
// its old place refuses to start it. That start uses it up by raising the number,
// so that no copy of it is trusted as well.
func (a Anchor) Arrive(ctx context.Context) error {
	in, revision, err := a.inStore(ctx)
	if err != nil {
		return err
	}
	value, err := a.seal(anchorPlace, anchored{Generation: in.Generation, Arrived: true})
	if err != nil {
		return err
	}
	if _, err = a.Ring.kv.SwapBlob(ctx, anchorBlob, revision, value); err != nil {
		return fmt.Errorf("store anchor: %w", err)
	}
	return nil
}

// Follow brings the file of a host that does not raise the number up to it, so
// that this host too finds out about an older copy.
func (a Anchor) Follow(ctx context.Context) error {
	in, _, err := a.inStore(ctx)
	if err != nil || in.Generation <= a.reached() {
		return err
	}
	return a.write(anchored{Generation: in.Generation, Machine: a.Machine})
}

// Outrun puts the file ahead of the store, and so ahead of every copy of it: the
// one that has taken its place will be found to be older.
func (a Anchor) Outrun(ctx context.Context) error {
	in, _, err := a.inStore(ctx)
	if err != nil {
		return err
	}
	return a.write(anchored{Generation: max(a.reached(), in.Generation) + 1, Machine: a.Machine})
}

// reached is the generation in the file, 0 where it tells none.
func (a Anchor) reached() uint64 {
	b, err := os.ReadFile(a.Path)
	if err != nil {
		return 0
	}
	there, err := a.open(anchorFilePlace, b)
	if err != nil {
		return 0
	}
	return there.Generation
}

func (a Anchor) write(is anchored) error {
	value, err := a.seal(anchorFilePlace, is)
	if err != nil {
		return err
	}
	if err := renameio.WriteFile(a.Path, value, 0o600); err != nil && overwrite(a.Path, value) != nil {
		return fmt.Errorf("write anchor: %w", err)
	}
	return nil
}

// overwrite writes into the file that is there, which takes neither a block nor an
// inode of a full disk. Less than a sector, it is on the disk in whole or not at
// all.
func overwrite(path string, value []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(value, 0)
	if err == nil {
		err = f.Truncate(int64(len(value)))
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (a Anchor) inStore(ctx context.Context) (anchored, store.Revision, error) {
	blob, err := a.Ring.kv.Blob(ctx, anchorBlob)
	if errors.Is(err, store.ErrNotFound) {
		return anchored{}, store.Absent, nil
	}
	if err != nil {
		return anchored{}, 0, fmt.Errorf("read anchor: %w", err)
	}
	// One that does not open counts as none: then the file is ahead.
	in, _ := a.open(anchorPlace, blob.Value)
	return in, blob.Revision, nil
}

func (a Anchor) open(place string, sealed []byte) (is anchored, err error) {
	plain, err := a.Ring.Open(place, sealed)
	if err != nil {
		return anchored{}, err
	}
	return is, json.Unmarshal(plain, &is)
}

func (a Anchor) seal(place string, is anchored) ([]byte, error) {
	plain, err := json.Marshal(is)
	if err != nil {
		return nil, fmt.Errorf("encode anchor: %w", err)
	}
	sealed, err := a.Ring.Seal(place, plain)
	if err != nil {
		return nil, fmt.Errorf("seal anchor: %w", err)
	}
	return sealed, nil
}
