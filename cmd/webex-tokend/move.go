package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/vault"
	"webex-tokend/daemon/wire"
	"webex-tokend/store/boltkv"
)

// stopping is how long a daemon may take to end: it finishes what it has sent.
const stopping = 2 * time.Minute

// A mover hands the store of a configuration over.
type mover struct {
	console *console
	cfg     *config.Config
	own     string // the path of the store
}

func newMover(c *console, cfg *config.Config) mover {
	return mover{c, cfg, filepath.Join(cfg.StateDir, "store.db")}
}

// A movedStore is in a file, and no longer where it was.
type movedStore struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Grants int    `json:"grants"`
	Moved  bool   `json:"moved"`
}

// into hands the store over in a file. The order, and why a crash between any two
// steps is harmless, stands in vault/move.go.
func (m mover) into(cmd *cobra.Command, path string, asJSON bool) (err error) {
	c, cfg, own := m.console, m.cfg, m.own
	if cfg.Seal.Shared != nil {
		return &failure{exitFailed, errors.New("the store is in etcd"), "nothing needs to move: start another host that shares it, or webex-tokend store migrate --to bbolt"}
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("find %s: %w", path, err)
	}
	if err := mayMove(own, path); err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find name of this host: %w", err)
	}
	kv, err := m.take(cmd.Context(), fmt.Sprintf("%s on %s", path, host))
	if err != nil {
		return err
	}
	done := movedStore{File: path, Moved: true}
	if err = m.copy(cmd.Context(), kv, &done); err != nil {
		// Nothing came of it: the store stays what it is, here.
		err = errors.Join(err, vault.Unmove(context.WithoutCancel(cmd.Context()), kv))
	}
	if err = errors.Join(err, kv.Close(), giveToOwner(cfg.StateDir, own, own+".lock")); err != nil {
		return &failure{exitFailed, fmt.Errorf("nothing moved: %w", err), "start the daemon again: " + startCommand()}
	}
	if asJSON {
		return json.NewEncoder(c.out).Encode(done)
	}
	_, err = fmt.Fprintf(c.out, "moved %s to %s; the daemon here has ended and starts no more\n"+
		"next, where the grants go on, with the key and the configuration of this host: webex-tokend restore %s\n",
		plural(done.Grants, "grant"), path, filepath.Base(path))
	return err
}

// mayMove finds what would go wrong before the daemon has ended.
func mayMove(own, path string) error {
	f, err := os.OpenFile(own, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &failure{exitFailed, fmt.Errorf("there is no store %s", own), "name its configuration by --config"}
	}
	if err != nil {
		return explainFile(err)
	}
	f.Close()
	if _, err := os.Lstat(path); err == nil {
		return &failure{exitFailed, fmt.Errorf("%s is there already", path), "name a new file"}
	}
	there, err := os.CreateTemp(filepath.Dir(path), ".webex-tokend-*")
	if errors.Is(err, fs.ErrNotExist) {
		return &failure{exitFailed, err, "make the folder first"}
	}
	if err != nil {
		return explainFile(err)
	}
	return errors.Join(there.Close(), os.Remove(there.Name()))
}

// take has the daemon mark its store and end, and opens the store. Where no
// daemon runs, it marks it itself.
func (m mover) take(ctx context.Context, place string) (*boltkv.KV, error) {
	daemon := m.console.daemon()
	defer daemon.Close()
	asked := daemon.Move(ctx, wire.Move{Store: m.own, To: place})
	if asked != nil && !errors.Is(asked, client.ErrUnreachable) {
		return nil, asked
	}
	bar := newProgress(m.console.err)
	defer bar.end()
	bar.show(0, 0, "the daemon finishes what it has sent")
	open := boltkv.Config{Path: m.own}
	if asked == nil {
		open.LockTimeout = stopping
	}
	kv, err := boltkv.Open(open)
	if err != nil {
		return nil, explainFile(err)
	}
	to, err := vault.MovedTo(ctx, kv)
	if err == nil && to != "" && asked != nil {
		err = &vault.MovedError{Path: m.own, To: to}
	}
	if err == nil && asked != nil {
		err = vault.MarkMoved(ctx, kv, place)
	}
	if err != nil {
		return nil, errors.Join(err, kv.Close())
	}
	return kv, nil
}

// copy copies a store that nobody has open, once the key has opened it.
func (m mover) copy(ctx context.Context, kv *boltkv.KV, done *movedStore) error {
	records, err := unlock(ctx, m.cfg, m.own, kv)
	if err != nil {
		return err
	}
	spared, err := filepath.Glob(filepath.Join(m.cfg.RuntimeDir, "spool", "[a-z0-9]*"))
	if err == nil && len(spared) > 0 {
		err = fmt.Errorf("an answer was not stored, and is in %s", spared[0])
	}
	if err != nil {
		return err
	}
	for page, err := range records.All(ctx, "", 1000) {
		if err != nil {
			return err
		}
		done.Grants += page.Looked()
	}
	if err := kv.Backup(ctx, done.File); err != nil {
		return err
	}
	info, err := os.Stat(done.File)
	if err == nil {
		done.Bytes = info.Size()
	}
	return err
}

// receive makes a copy of a moved store that was put back the store of this host,
// and marks the copy, so that it is trusted once only.
func (m mover) receive(ctx context.Context, backup string) error {
	kv, err := boltkv.Open(boltkv.Config{Path: m.own})
	if err != nil {
		return err
	}
	defer kv.Close()
	ring, err := ringOf(ctx, m.cfg, m.own, kv)
	if err != nil {
		return err
	}
	taken, err := vault.Receive(ctx, kv, ring, m.cfg.StateDir)
	if err != nil {
		return err
	}
	if taken != "" {
		fmt.Fprintf(m.console.err, "webex-tokend: this copy was restored before, %s: of what it holds, refresh tokens that may be used up are not sent\n"+
			"  only if that one never ran: webex-tokend adopt --all\n", taken)
		return giveToOwner(m.cfg.StateDir, filepath.Join(m.cfg.StateDir, "anchor"))
	}
	host, _ := os.Hostname()
	if err := markTaken(ctx, backup, fmt.Sprintf("on %s at %s", host, wire.Stamp(time.Now()))); err != nil {
		fmt.Fprintf(m.console.err, "webex-tokend: the copy could not be marked as taken: %v\n  restore it nowhere else, or delete it: %s\n", err, backup)
	}
	return nil
}

func markTaken(ctx context.Context, backup, by string) error {
	kv, err := boltkv.Open(boltkv.Config{Path: backup})
	if err != nil {
		return err
	}
	err = errors.Join(vault.MarkTaken(ctx, kv, by), kv.Close())
	_ = os.Remove(backup + ".lock")
	return err
}
