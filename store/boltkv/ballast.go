package boltkv

import (
	"bytes"
	"fmt"
	"io"
	"slices"
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

// reserve sees to it that there is room for the answers of all refreshes that are
// open or that this group opens; with a new row, or no group, for all that may be
// in flight. A batch of answers is no larger than a group. Beside an error, so many
// of those that the group opens have room. Only the committer calls it.
func (k *KV) reserve(group []*operation) (fit int, err error) {
	opening, least := 0, 0
	for _, o := range group {
		if o.opens {
			opening++
		}
	}
	if group == nil || slices.ContainsFunc(group, func(o *operation) bool { return o.makes }) {
		least = k.inFlight
	}
	if opening+least == 0 {
		return 0, nil
	}
	// While the counting is under way some of the open ones are missing from it;
	// their answers have room among the shared pages or come one by one.
	open, _ := k.tally.count(store.OpenIndex, "")
	need := uint64(sharedPages + pagesPerAnswer*min(max(open+opening, 2*least), maxGroup)) // rows to come take of it
	free, err := freePages(k.file.raw)
	if err != nil || free >= need {
		return 0, err
	}
	if err = guarded(func() error { return addBallast(k.file.db, int(need-free)) }); err == nil {
		return 0, nil
	}
	k.undo(nil, err)
	if k.file.writable() {
		free, _ = freePages(k.file.raw)
		fit = (int(free)-sharedPages)/pagesPerAnswer - open
	}
	return fit, fmt.Errorf("keep room in the store file for answers: %w", err)
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
		for key, _ := c.Seek([]byte(ballastKey)); bytes.HasPrefix(key, []byte(ballastKey)); key, _ = c.Seek([]byte(ballastKey)) {
			if err := b.Delete(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// freePages counts the pages in the list that the last commit left in the file,
// those that it freed itself included.
func freePages(f io.ReaderAt) (uint64, error) {
	m, _, err := readMetaPages(f)
	if err != nil || m.freelist == noFreelist {
		return 0, err
	}
	_, count, _, err := freelistHead(f, m)
	return count, err
}
