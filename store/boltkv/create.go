package boltkv

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"webex-tokend/store"
)

// The buckets of the file:
//
//	meta         "format" -> version of this layout, varint
//	rows         name     -> row, see row.go
//	blobs        key      -> revision, 8 bytes big-endian | value
//	due          key      -> value of the entry, see key.go
//	attention    key      -> value of the entry
//	open         key      -> value of the mark, group "" and rank 0
//	unpublished  key      -> value of the mark
//
// Revisions are the sequences of the buckets rows and blobs: they never go
// back, so that a name deleted and made again does not repeat one.
const (
	metaBucket  = "meta"
	rowsBucket  = "rows"
	blobsBucket = "blobs"
	formatKey   = "format"
	format      = 1
)

func indexes() []store.Index {
	return []store.Index{store.DueIndex, store.AttentionIndex, store.OpenIndex, store.UnpublishedIndex}
}

// create makes a file that is either absent or whole. bbolt writes the first
// pages of a new file without any order between them, so a power loss there
// leaves one that nothing can open. Hence: a file of another name; all buckets
// in it; fsync; then the name; then the folder that holds the name.
func create(path string) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bbolt.Open(fresh, 0o600, &bbolt.Options{Timeout: time.Millisecond, OpenFile: func(name string, _ int, mode os.FileMode) (*os.File, error) {
		return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, mode)
	}})
	if err != nil {
		return err
	}
	err = db.Update(seed)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := syncPath(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

func seed(tx *bbolt.Tx) error {
	for _, name := range bucketNames() {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(metaBucket)).Put([]byte(formatKey), binary.AppendUvarint(nil, format))
}

func bucketNames() []string {
	names := []string{metaBucket, rowsBucket, blobsBucket}
	for _, index := range indexes() {
		names = append(names, string(index))
	}
	return names
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
