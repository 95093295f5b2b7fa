package boltkv

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"testing"
)

// FuzzInspect gives the pages of a file any content. Whatever they say, the
// inspection comes to an end, without a fault.
func FuzzInspect(f *testing.F) {
	const page = minPage
	f.Add([]byte{}, uint64(3), uint64(2), uint64(4))
	f.Add(make([]byte, 4*page), uint64(2), uint64(1<<64-1), uint64(4))
	f.Fuzz(func(t *testing.T, pages []byte, root, freelist, count uint64) {
		meta := make([]byte, 2*page)
		b, host := meta[pageHeader:], binary.NativeEndian
		host.PutUint32(b, metaMagic)
		host.PutUint32(b[4:], metaVersion)
		host.PutUint32(b[8:], page)
		host.PutUint64(b[16:], root)
		host.PutUint64(b[32:], freelist)
		host.PutUint64(b[40:], count)
		sum := fnv.New64a()
		sum.Write(b[:56])
		host.PutUint64(b[56:], sum.Sum64())
		image := append(meta, pages...)
		image = append(image, make([]byte, -len(image)&(page-1))...)
		if _, err := inspectImage(bytes.NewReader(image), uint64(len(image))); err == nil && root >= count {
			t.Errorf("root %d of %d pages", root, count)
		}
	})
}

// FuzzRow gives a row and a key any content.
func FuzzRow(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x09\xff"))
	f.Add(appendKey(nil, "crm", 7, "ops"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, key := range decodeRow(b).each() {
			splitKey(key)
		}
		splitKey(b)
	})
}
