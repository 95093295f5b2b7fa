package boltkv

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"webex-tokend/store"
)

// bbolt maps the file and follows the newer of its two meta pages, after no
// more than a checksum of that page. On a truncated file or a damaged freelist
// it faults, panics or asks for all memory there is. inspect finds that out
// beforehand, with three short reads and one of the freelist.
//
// A page begins with 16 bytes:
//
//	id 8 | flags 2 | count 2 | further pages that belong to it 4
//
// A meta page goes on with (all in the byte order of the host):
//
//	magic 4 | version 4 | page size 4 | flags 4 | root page 8 | sequence 8 |
//	freelist page 8 | pages in use 8 | transaction 8 | FNV-1a of all before 8
const (
	pageHeader   = 16
	metaSize     = 64
	metaMagic    = 0xED0CDAED
	metaVersion  = 2
	freelistFlag = 0x10
	noFreelist   = 1<<64 - 1
	manyFree     = 0xFFFF // as count: the true one is the first element
	minPage      = 1 << 10
	maxPage      = 1 << 16
)

type metaPage struct {
	pageSize uint64
	root     uint64
	freelist uint64
	pages    uint64
	tx       uint64
}

// inspect returns store.ErrDamaged for a file that bbolt must not see; spare says
// that both meta pages are good. One is enough: a power loss during a commit
// may tear the page that this commit was writing.
func inspect(f *os.File) (spare bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is not a regular file", f.Name())
	}
	return inspectImage(f, uint64(info.Size()))
}

func inspectImage(f io.ReaderAt, size uint64) (spare bool, err error) {
	if size == 0 {
		return false, fmt.Errorf("%w: it is empty", store.ErrDamaged)
	}
	newest, spare, err := readMetaPages(f)
	if err != nil {
		return false, err
	}
	switch {
	case size%newest.pageSize != 0:
		return false, fmt.Errorf("%w: its size of %d bytes is no multiple of its page", store.ErrDamaged, size)
	case newest.pages > size/newest.pageSize:
		return false, fmt.Errorf("%w: it is truncated to %d of %d pages", store.ErrDamaged, size/newest.pageSize, newest.pages)
	case newest.root >= newest.pages:
		return false, fmt.Errorf("%w: its root is outside", store.ErrDamaged)
	}
	if newest.pages <= surveyedAtOpen {
		return spare, surveyPages(f, newest, func() error { return nil })
	}
	_, err = readFreelist(f, newest)
	return spare, err
}

func readMetaPages(f io.ReaderAt) (newest metaPage, spare bool, err error) {
	first, ok := readMeta(f, 0)
	if ok {
		second, spare := readMeta(f, int64(first.pageSize))
		if spare && second.tx > first.tx {
			return second, true, nil
		}
		return first, spare, nil
	}
	// Where the second page begins, the first one would have said.
	for at := int64(minPage); at <= maxPage; at *= 2 {
		if second, ok := readMeta(f, at); ok && int64(second.pageSize) == at {
			return second, false, nil
		}
	}
	return metaPage{}, false, fmt.Errorf("%w: neither of its meta pages is good", store.ErrDamaged)
}

func readMeta(f io.ReaderAt, at int64) (metaPage, bool) {
	b := make([]byte, metaSize)
	if _, err := f.ReadAt(b, at+pageHeader); err != nil {
		return metaPage{}, false
	}
	sum := fnv.New64a()
	sum.Write(b[:56])
	host := binary.NativeEndian
	if host.Uint32(b) != metaMagic || host.Uint32(b[4:]) != metaVersion || host.Uint64(b[56:]) != sum.Sum64() {
		return metaPage{}, false
	}
	m := metaPage{
		pageSize: uint64(host.Uint32(b[8:])),
		root:     host.Uint64(b[16:]),
		freelist: host.Uint64(b[32:]),
		pages:    host.Uint64(b[40:]),
		tx:       host.Uint64(b[48:]),
	}
	return m, m.pageSize >= minPage && m.pageSize <= maxPage && m.pageSize&(m.pageSize-1) == 0
}

// freelistHead reads how many free pages are listed, and where on its page the
// list begins.
func freelistHead(f io.ReaderAt, m metaPage) (header []byte, count, begin uint64, err error) {
	header = make([]byte, pageHeader+8)
	if _, err := f.ReadAt(header, int64(m.freelist*m.pageSize)); err != nil {
		return nil, 0, 0, fmt.Errorf("read list of free pages: %w", err)
	}
	if count := binary.NativeEndian.Uint16(header[10:]); count != manyFree {
		return header, uint64(count), pageHeader, nil
	}
	return header, binary.NativeEndian.Uint64(header[pageHeader:]), pageHeader + 8, nil
}

// readFreelist returns the free pages: they are in order and inside the file. A
// page that is listed wrongly would be overwritten while it is in use.
func readFreelist(f io.ReaderAt, m metaPage) (free []uint64, err error) {
	if m.freelist == noFreelist {
		return nil, nil
	}
	damaged := fmt.Errorf("%w: its list of free pages is malformed", store.ErrDamaged)
	if m.freelist >= m.pages {
		return nil, damaged
	}
	header, count, begin, err := freelistHead(f, m)
	if err != nil {
		return nil, err
	}
	at, host := int64(m.freelist*m.pageSize), binary.NativeEndian
	further := uint64(host.Uint32(header[12:]))
	room := (further+1)*m.pageSize - begin
	if host.Uint64(header) != m.freelist || host.Uint16(header[8:]) != freelistFlag ||
		m.freelist+further >= m.pages || count > room/8 {
		return nil, damaged
	}
	list := make([]byte, count*8)
	if _, err := f.ReadAt(list, at+int64(begin)); err != nil {
		return nil, fmt.Errorf("read list of free pages: %w", err)
	}
	free = make([]uint64, 0, count)
	last := uint64(1) // pages 0 and 1 are the meta pages
	for ; len(list) > 0; list = list[8:] {
		id := host.Uint64(list)
		if id <= last || id >= m.pages {
			return nil, damaged
		}
		free = append(free, id)
		last = id
	}
	return free, nil
}
