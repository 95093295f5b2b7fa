package boltkv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// bbolt believes three things of a page that can cost the rows of other pages,
// all time there is, or the process, and a survey looks at them in the whole file:
//
//   - how many pages belong to it. When a row of it changes, all of these go
//     into the list of free pages, where the next commit finds room.
//   - which pages a branch leads to. One that leads back to a page above it is
//     walked for ever.
//   - where the keys and values of a small bucket are, which has its page within
//     its value. bbolt copies that to the heap, and what leads out of it there
//     is found by the garbage collector, which ends the process.
//
// What else a page says wrongly, bbolt notices or the one row suffers.
//
// The elements of a branch and of a leaf, each 16 bytes, follow the header:
//
//	branch: position of the key 4 | its size 4 | page 8
//	leaf:   flags 4 | position of the key 4 | its size 4 | size of the value 4
//
// A position counts from the element. The value of a bucket begins with its
// root page and a counter, 8 bytes each; the root is 0 where its only page
// follows instead.
const (
	branchFlag  = 0x01
	leafFlag    = 0x02
	bucketFlag  = 0x01 // of a leaf element
	elementSize = 16
	bucketHead  = 16
	// surveyedAtOnce is how many pages pass through memory at a time.
	surveyedAtOnce = 256
	// surveyedAtOpen is how many pages a file may have to be surveyed before it
	// opens: 256 MiB, a tenth of a second where it is in memory. A larger one
	// waits for Survey.
	surveyedAtOpen = 1 << 16
	// surveyPause is how long the disk is left alone after each piece.
	surveyPause = 2 * time.Millisecond
)

type survey struct {
	meta metaPage
	free []bool // by page
	led  []bool // a branch or a bucket leads there
	// owned is the last page that belongs to one before it, owner that one.
	owned, owner uint64
}

// surveyPages returns store.ErrDamaged when some page must not be believed. pace is
// called after every piece of the file.
func surveyPages(f io.ReaderAt, m metaPage, pace func() error) error {
	free, err := readFreelist(f, m)
	if err != nil {
		return err
	}
	s := &survey{meta: m, free: make([]bool, m.pages), led: make([]bool, m.pages)}
	for _, id := range free {
		s.free[id] = true
	}
	for _, own := range []uint64{m.root, m.freelist} {
		if own == noFreelist {
			continue
		}
		if err := s.lead(0, own); err != nil {
			return err
		}
	}
	piece := make([]byte, surveyedAtOnce*m.pageSize)
	for id := uint64(2); id < m.pages; {
		n := min(surveyedAtOnce, m.pages-id)
		if _, err := f.ReadAt(piece[:n*m.pageSize], int64(id*m.pageSize)); err != nil {
			return fmt.Errorf("survey pages: %w", err)
		}
		for i := range n {
			if err := s.look(f, id+i, piece[i*m.pageSize:][:m.pageSize]); err != nil {
				return err
			}
		}
		id += n
		if err := pace(); err != nil {
			return err
		}
	}
	return nil
}

// look surveys one page. A page that does not bear its own number belongs to
// one before it, or bbolt will refuse it.
func (s *survey) look(f io.ReaderAt, id uint64, page []byte) error {
	host := binary.NativeEndian
	begins := host.Uint64(page) == id
	if id <= s.owned && (begins || s.free[id]) {
		return fmt.Errorf("%w: page %d claims page %d, which is not its own", store.ErrDamaged, s.owner, id)
	}
	flags := host.Uint16(page[8:])
	if s.free[id] || !begins || flags != branchFlag && flags != leafFlag {
		return nil
	}
	further := uint64(host.Uint32(page[12:]))
	if further >= s.meta.pages-id {
		return fmt.Errorf("%w: page %d claims pages behind the last one", store.ErrDamaged, id)
	}
	s.owned, s.owner = id+further, id
	if flags == leafFlag && id != s.meta.root {
		return nil
	}
	if further > 0 {
		page = make([]byte, (1+further)*s.meta.pageSize)
		if _, err := f.ReadAt(page, int64(id*s.meta.pageSize)); err != nil {
			return fmt.Errorf("survey pages: %w", err)
		}
	}
	return s.follow(id, flags, page)
}

// follow notes where a branch leads, or the page of the buckets.
func (s *survey) follow(id uint64, flags uint16, page []byte) error {
	host := binary.NativeEndian
	count := int(host.Uint16(page[10:]))
	if pageHeader+count*elementSize > len(page) {
		return fmt.Errorf("%w: page %d claims %d elements", store.ErrDamaged, id, count)
	}
	for i := range count {
		at := pageHeader + i*elementSize
		element := page[at:][:elementSize]
		if flags == branchFlag {
			if err := s.lead(id, host.Uint64(element[8:])); err != nil {
				return err
			}
			continue
		}
		if host.Uint32(element)&bucketFlag == 0 {
			continue
		}
		value := uint64(at) + uint64(host.Uint32(element[4:])) + uint64(host.Uint32(element[8:]))
		end := value + uint64(host.Uint32(element[12:]))
		if end > uint64(len(page)) || end-value < bucketHead {
			return fmt.Errorf("%w: page %d has a bucket that is cut short", store.ErrDamaged, id)
		}
		if err := s.enter(id, page[value:end]); err != nil {
			return err
		}
	}
	return nil
}

// enter follows a bucket to its page, or looks at the one that it holds itself.
func (s *survey) enter(id uint64, bucket []byte) error {
	host := binary.NativeEndian
	if root := host.Uint64(bucket); root != 0 {
		return s.lead(id, root)
	}
	page := bucket[bucketHead:]
	damaged := fmt.Errorf("%w: page %d has a bucket whose content is malformed", store.ErrDamaged, id)
	if len(page) < pageHeader || host.Uint16(page[8:]) != leafFlag {
		return damaged
	}
	count := int(host.Uint16(page[10:]))
	if pageHeader+count*elementSize > len(page) {
		return damaged
	}
	for i := range count {
		at := pageHeader + i*elementSize
		end := uint64(at)
		for _, part := range []int{4, 8, 12} { // position, size of the key, of the value
			end += uint64(host.Uint32(page[at+part:]))
		}
		if end > uint64(len(page)) {
			return damaged
		}
	}
	return nil
}

func (s *survey) lead(from, to uint64) error {
	if to < 2 || to >= s.meta.pages || s.free[to] || s.led[to] {
		return fmt.Errorf("%w: page %d leads to page %d, which is not its own", store.ErrDamaged, from, to)
	}
	s.led[to] = true
	return nil
}

// Survey looks at every page of a file that was too large for that at its
// opening, slowly. When it returns store.ErrDamaged, changes are refused from then
// on, since any of them may overwrite rows that are still whole; what can be
// read is.
func (k *KV) Survey(ctx context.Context) error {
	return k.survey(ctx, func() { time.Sleep(surveyPause) })
}

// errMakeWay ends a survey that the file is wanted from; it begins anew.
var errMakeWay = errors.New("the file is wanted")

func (k *KV) survey(ctx context.Context, rest func()) error {
	for surveyed := false; !surveyed; {
		_, err := k.read(ctx, func(tx *bbolt.Tx) error {
			// The pages of this transaction are not written again as long as it
			// lasts. Its meta page is the newest, unless a commit has just come.
			m, _, err := readMetaPages(k.file.raw)
			if err != nil || m.tx != uint64(tx.ID()) {
				return err
			}
			surveyed = true
			return surveyPages(k.file.raw, m, func() error {
				rest()
				if k.wanted.Load() {
					return errMakeWay
				}
				return ctx.Err()
			})
		})
		if errors.Is(err, errMakeWay) {
			surveyed = false
			continue
		}
		if errors.Is(err, store.ErrDamaged) {
			err = fmt.Errorf("no change is made any more, a backup has to take its place: %w", err)
			k.condemned.CompareAndSwap(nil, &err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
