package boltkv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// Ballast is free pages inside the file. A page that bbolt wrote once owns its
// blocks on the disk (on ext4, xfs and tmpfs; a file system that copies on
// write promises nothing), so a commit that fits into free pages cannot meet a
// full disk. It is kept for the answers of refreshes: what a server sent in
// exchange for a refresh token that it has retired must find room. Therefore an
// intent is refused unless the room for its answer is there.
const (
	// pagesPerAnswer is what an outcome rewrites when it shares no page with
	// another one: a row that takes two pages, and a leaf for each entry and
	// mark that comes or goes.
	pagesPerAnswer = 8
	// sharedPages are the branches above them, the list of free pages, and what
	// a second transaction needs before the pages of the first become free.
	sharedPages = 64
	// ballastPiece bounds how much of it passes through memory at a time.
	ballastPiece = 256
	ballastKey   = "ballast"
)

// reserve sees to it that there is room for the answers of all refreshes that
// are open or that this group opens; a batch of answers is no larger than a
// group. Only the committer calls it.
func (k *KV) reserve(group []*operation) error {
	opening := 0
	for _, o := range group {
		if o.opens {
			opening++
		}
	}
	if opening == 0 {
		return nil
	}
	// While the counting is under way some of the open ones are missing from it;
	// their answers have room among the shared pages or come one by one.
	open, _ := k.tally.count(store.OpenIndex, "")
	answers := min(open+opening, maxGroup)
	need := uint64(sharedPages + pagesPerAnswer*answers)
	free, err := freePages(k.file.raw)
	if err != nil {
		return err
	}
	if free >= need {
		return nil
	}
	if err := guarded(func() error { return addBallast(k.file.db, int(need-free)) }); err != nil {
		k.undo(nil, err)
		return fmt.Errorf("keep room in the store file for answers: %w", err)
	}
	return nil
}

// addBallast writes values of so many pages and deletes them again. What a failure
// leaves of them goes with the next success.
func addBallast(db *bbolt.DB, pages int) error {
	page := db.Info().PageSize
	for i := 0; pages > 0; i++ {
		n := min(pages, ballastPiece)
		pages -= n
		err := db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte(metaBucket)).Put([]byte(ballastKey+strconv.Itoa(i)), make([]byte, n*page-pageHeader))
		})
		if err != nil {
			return err
		}
	}
	return db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(metaBucket))
		c := b.Cursor()
		for {
			key, _ := c.Seek([]byte(ballastKey))
			if !bytes.HasPrefix(key, []byte(ballastKey)) {
				return nil
			}
			if err := b.Delete(key); err != nil {
				return err
			}
		}
	})
}

// freePages counts the pages in the list that the last commit left in the file,
// those that it freed itself included.
func freePages(f io.ReaderAt) (uint64, error) {
	m, _, err := readMetaPages(f)
	if err != nil {
		return 0, err
	}
	if m.freelist == noFreelist {
		return 0, nil
	}
	header := make([]byte, pageHeader+8)
	if _, err := f.ReadAt(header, int64(m.freelist*m.pageSize)); err != nil {
		return 0, fmt.Errorf("read list of free pages: %w", err)
	}
	host := binary.NativeEndian
	count := uint64(host.Uint16(header[10:]))
	if count == manyFree {
		count = host.Uint64(header[pageHeader:])
	}
	return count, nil
}
