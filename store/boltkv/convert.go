package boltkv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"webex-tokend/store"
)

// A Conversion gives every value of a store its new form. Revisions and index
// entries stay as they are.
type Conversion struct {
	Row    func(name string, value []byte) ([]byte, error)
	Blob   func(key string, value []byte) ([]byte, error)
	Intent func(name string, value []byte) ([]byte, error)
	// Add are blobs that the new file has besides.
	Add map[string][]byte
}

// convertedAtOnce is how many values one transaction takes: some megabytes.
const convertedAtOnce = 4096

// Convert replaces a store by its converted form while nobody has it open. The
// values are written into a new file, PATH.converted, which takes the place of
// the old one when it is whole and on the disk. So a kill at any point leaves
// either file and never half of one, what has begun is begun anew, and none of
// the old values stays behind in free pages.
func Convert(cfg Config, c Conversion) error {
	lock, err := acquire(cfg.Path+".lock", cfg.LockTimeout)
	if err != nil {
		return err
	}
	defer lock.release()
	old := &file{path: cfg.Path, log: logOf(cfg)}
	if err := old.open(); err != nil {
		return err
	}
	fresh := cfg.Path + ".converted"
	err = guarded(func() error {
		return old.db.View(func(tx *bbolt.Tx) error { return c.rewrite(tx, fresh, cfg.Progress) })
	})
	if err = errors.Join(err, old.close(store.ErrClosed)); err != nil {
		return fmt.Errorf("convert store file: %w", err)
	}
	if err := os.Rename(fresh, cfg.Path); err != nil {
		return fmt.Errorf("convert store file: %w", err)
	}
	return syncPath(filepath.Dir(cfg.Path))
}

func (c Conversion) rewrite(from *bbolt.Tx, fresh string, progress func(done, of int64)) error {
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bbolt.Open(fresh, 0o600, &bbolt.Options{Timeout: time.Millisecond, FreelistType: bbolt.FreelistArrayType, NoSync: true,
		OpenFile: func(name string, _ int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC, mode)
		}})
	if err != nil {
		return err
	}
	var written int64
	wrote := func(n int) {
		if written += int64(n); progress != nil {
			progress(written, from.Size())
		}
	}
	for _, name := range bucketNames() {
		if err = c.rewriteBucket(from.Bucket([]byte(name)), db, name, wrote); err != nil {
			break
		}
	}
	if err == nil {
		err = db.Sync()
	}
	return errors.Join(err, db.Close())
}

// rewriteBucket goes through one bucket in its order, which lets bbolt fill
// its pages. It tells how many bytes each transaction wrote.
func (c Conversion) rewriteBucket(from *bbolt.Bucket, to *bbolt.DB, name string, wrote func(int)) error {
	cursor := from.Cursor()
	key, value := cursor.First()
	for first := true; first || key != nil; first = false {
		size := 0
		err := to.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			b.FillPercent = 0.9
			for n := 0; key != nil && n < convertedAtOnce; n++ {
				converted, err := c.value(name, key, value)
				if err != nil {
					return err
				}
				if err := b.Put(key, converted); err != nil {
					return err
				}
				size += len(key) + len(converted)
				key, value = cursor.Next()
			}
			if key != nil {
				return nil
			}
			sequence := from.Sequence()
			if name == blobsBucket {
				for added, v := range c.Add {
					sequence++
					if err := b.Put([]byte(added), append(binary.BigEndian.AppendUint64(nil, sequence), v...)); err != nil {
						return err
					}
				}
			}
			return b.SetSequence(sequence)
		})
		if err != nil {
			return err
		}
		wrote(size)
	}
	return nil
}

// value converts what stands behind the header that is this backend's own. A
// row that is damaged stays so, for its one grant.
func (c Conversion) value(bucket string, key, value []byte) ([]byte, error) {
	var header, content []byte
	var convert func(string, []byte) ([]byte, error)
	name := string(key)
	switch bucket {
	case rowsBucket:
		content, convert = decodeRow(value).value, c.Row
	case blobsBucket:
		content, convert = value[min(8, len(value)):], c.Blob
	case string(store.OpenIndex):
		content, convert = value, c.Intent
		name = string(key[min(len(markKey("")), len(key)):])
	default:
		return value, nil
	}
	header = value[:len(value)-len(content)]
	converted, err := convert(name, content)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", bucket, name, err)
	}
	return append(bytes.Clone(header), converted...), nil
}
