package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The stores that a key made are noted beside it, one path a line, in KEY.made:
// outside the folder of the store, which may be a disk that is not mounted, a
// volume that is new, or a folder that somebody emptied. A daemon that took that
// for its first start would send refresh tokens of old seeds, and seal what it
// gets into a store that vanishes.

// noteOf returns where the stores of a key are noted.
func noteOf(keyFile string) string { return keyFile + ".made" }

// A MissingStoreError: the key has made a store, and there is none where it was.
type MissingStoreError struct{ Store, Note string }

func (e *MissingStoreError) Error() string {
	return fmt.Sprintf("there is no store %s, although there was: %s says so", e.Store, e.Note)
}

// Missed returns a *MissingStoreError where a store is noted and is not there. It
// changes nothing.
func Missed(keyFile, store string) error {
	_, err := os.Lstat(store)
	if !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if stores, err := made(keyFile); err == nil && slices.Contains(stores, store) {
		return &MissingStoreError{store, noteOf(keyFile)}
	}
	return nil
}

// Note notes a store that is there. Whoever may not write beside the key leaves
// that to `key init`, which the unit runs as root before each start.
func Note(keyFile, store string) error {
	if _, err := os.Lstat(store); err != nil {
		return fmt.Errorf("look for store: %w", err)
	}
	stores, err := made(keyFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || slices.Contains(stores, store) {
		return err
	}
	f, err := os.OpenFile(noteOf(keyFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("note store: %w", err)
	}
	if _, err = f.WriteString(filepath.Clean(store) + "\n"); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("note store: %w", err)
	}
	return nil
}

func made(keyFile string) ([]string, error) {
	text, err := os.ReadFile(noteOf(keyFile))
	if err != nil {
		return nil, fmt.Errorf("read note of stores: %w", err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), nil
}
