package refresh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"

	"webex-tokend/daemon/event"
	"webex-tokend/daemon/flight"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/outcome"
	"webex-tokend/store"
)

// A spool is a folder for outcomes that the store refuses, on another file
// system than the store's where there is one. It holds one file for each grant,
// its name, with a sealed copy of the record as it was to be stored. The zero
// spool takes nothing.
type spool struct{ dir string }

func (s spool) write(name string, sealed []byte) error {
	if s.dir == "" {
		return errors.New("no spool folder is set up")
	}
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make spool folder: %w", err)
	}
	if err := renameio.WriteFile(filepath.Join(s.dir, name), sealed, 0o600, renameio.WithTempDir(s.dir)); err != nil {
		return fmt.Errorf("write spool file: %w", err)
	}
	return s.sync()
}

func (s spool) remove(name string) error {
	err := os.Remove(filepath.Join(s.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove spool file: %w", err)
	}
	return nil
}

// names lists what is in the spool. The file of a write that was cut short
// begins with a dot.
func (s spool) names() ([]string, error) {
	if s.dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read spool folder: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && grantname.Valid(e.Name()) == nil && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (s spool) sync() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return fmt.Errorf("sync spool folder: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync spool folder: %w", err)
	}
	return nil
}

// spare puts a copy of a record where a crash does not take it with it.
func (x *Refresher) spare(r *store.Record) {
	sealed, err := x.cfg.Store.SealCopy(r)
	if err == nil {
		err = x.spool.write(r.Name, sealed)
	}
	if err != nil {
		x.cfg.Log.Error("answer is in memory only", "grant", r.Name, "error", err)
		return
	}
	x.cfg.Log.Warn("answer kept in the spool", "grant", r.Name)
}

// dropSpare removes the copy of a record that is durable, or of no use.
func (x *Refresher) dropSpare(name string) {
	if err := x.spool.remove(name); err != nil {
		x.cfg.Log.Warn("spool file stays; it is merged once more at the next start", "grant", name, "error", err)
	}
}

// recoveryWait is how long Start waits for the store to take what the spool
// holds. A store that does not is not a reason to leave consumers without the
// tokens that work; nothing is sent meanwhile.
const recoveryWait = 2 * time.Second

// EmptySpool brings outcomes that the store refused before the last end into
// their records. That comes before open intents are resolved: the token which
// an intent would send again may be the one that its lost answer has replaced.
func (x *Refresher) EmptySpool(ctx context.Context) error {
	names, err := x.spool.names()
	if err != nil || len(names) == 0 {
		return err
	}
	var merging sync.WaitGroup
	for _, name := range names {
		x.cfg.Trust.Hold(name, x.cfg.Now())
		merging.Add(1)
		x.tasks.Go(func() {
			defer merging.Done()
			x.takeSpare(name)
		})
	}
	merged := make(chan struct{})
	x.tasks.Go(func() {
		merging.Wait()
		close(merged)
	})
	select {
	case <-merged:
	case <-time.After(recoveryWait):
	case <-ctx.Done():
	}
	return nil
}

// takeSpare merges one copy. A copy that does not open is another store's: it
// stays, since nobody knows what is in it.
func (x *Refresher) takeSpare(name string) {
	defer x.cfg.Trust.Release(name)
	sealed, err := os.ReadFile(filepath.Join(x.spool.dir, name))
	if err != nil {
		x.cfg.Log.Error("spool file not read", "grant", name, "error", err)
		return
	}
	spare, err := x.cfg.Store.OpenCopy(name, sealed)
	if err != nil {
		x.cfg.Log.Error("spool file does not open, it is left as it is", "grant", name, "error", err)
		return
	}
	base, err := x.cfg.Store.Get(context.Background(), name)
	bad, damaged := errors.AsType[*store.DamagedError](err)
	if damaged {
		// What is there is lost; the copy is whole.
		base, err = store.Stored{Record: spare, Revision: bad.Revision}, nil
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		x.cfg.Log.Error("spool file is of a grant that the store does not know, it is left as it is", "grant", name)
		return
	case err != nil:
		x.cfg.Log.Error("spool file not merged, its grant cannot be read", "grant", name, "error", err)
		return
	case base.Removed:
		x.dropSpare(name)
		return
	}
	intent := keepIntent
	if open, err := x.cfg.Store.Intent(context.Background(), name); err == nil && !x.cfg.Hosts.foreign(open) {
		x.cfg.Flights.Recall(name, flight.Outcome{Attempts: max(open.Attempt, 1), Since: open.At, Intent: &open})
	}
	if damaged || overtakes(spare, base.Record) {
		intent = closeIntent // the copy is its outcome
	}
	before := base.Condition()
	after, err := x.commit(base, intent, func(r *store.Record) { x.merge(r, spare) })
	if err != nil {
		return // the log has it
	}
	x.dropSpare(name)
	x.cfg.Log.Info("answer from the spool stored", "grant", name, "generation", after.Generation)
	x.cfg.States.Announce(event.Refreshed, base.Record, before, after)
}

// overtakes reports whether a copy was made of an exchange that came after what
// the record tells of.
func overtakes(spare, r *store.Record) bool { return spare.LastAttemptAt.After(r.LastAttemptAt) }

// merge brings a copy into the record that is there. It is as careful as the
// answer itself would be taken: the tokens in force stay if somebody registered
// them since, and no refresh token is dropped that was never stored.
func (x *Refresher) merge(r, spare *store.Record) {
	sent := func(t store.RefreshToken) bool { return t.Value.Equal(r.Refresh.Value) }
	switch {
	case overtakes(spare, r) && (sent(spare.Refresh) || slices.ContainsFunc(spare.Fallbacks, sent)):
		paused, undeclared, unverified := r.PausedSince, r.UndeclaredSince, r.UnverifiedSince
		*r = *spare
		r.PausedSince, r.UndeclaredSince, r.UnverifiedSince = paused, undeclared, unverified
	case !slices.Contains(r.Fingerprints, x.cfg.Store.Fingerprint(spare.Refresh.Value)):
		r.Fallbacks = outcome.Candidates(spare.Refresh, r.Fallbacks)
	}
}
