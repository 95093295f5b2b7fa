package boltkv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

// surveyed makes a store with branches, free pages and a value of three pages,
// and returns its file.
func surveyed(t *testing.T) (path string, image []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	for i := range 120 {
		put(t, kv, fmt.Sprintf("g%03d", i), string(make([]byte, 700)))
	}
	put(t, kv, "large", string(make([]byte, 9000)))
	if _, err := kv.Swap(t.Context(), store.Change{Name: "g050", Expect: store.Any, Delete: true}); err != nil {
		t.Fatal(err)
	}
	kv.Close()
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, image
}

// pagesIn returns where the pages of that kind begin, those in use.
func pagesIn(t *testing.T, image []byte, kind uint16) (at []uint64) {
	t.Helper()
	m, _, err := readMetaPages(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	list, err := readFreelist(bytes.NewReader(image), m)
	if err != nil {
		t.Fatal(err)
	}
	free := make(map[uint64]bool)
	for _, id := range list {
		free[id] = true
	}
	for id := uint64(2); id < m.pages; id++ {
		page := image[id*m.pageSize:]
		if !free[id] && binary.NativeEndian.Uint64(page) == id && binary.NativeEndian.Uint16(page[8:]) == kind {
			at = append(at, id*m.pageSize)
		}
	}
	return at
}

// opensWith tells what comes of opening an image.
func opensWith(t *testing.T, path string, image []byte) error {
	t.Helper()
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	kv, err := Open(Config{Path: path})
	if err != nil {
		return err
	}
	return kv.Close()
}

func TestAPageThatClaimsAnotherIsFoundAtTheOpening(t *testing.T) {
	path, image := surveyed(t)
	if err := opensWith(t, path, image); err != nil {
		t.Fatalf("it does not open to begin with: %v", err)
	}
	pages := append(pagesIn(t, image, leafFlag), pagesIn(t, image, branchFlag)...)
	if len(pages) < 30 {
		t.Fatalf("only %d pages", len(pages))
	}
	for _, at := range pages {
		for bit := range 32 {
			further := image[at+12:][:4]
			was := binary.NativeEndian.Uint32(further)
			if was>>bit&1 == 1 {
				continue // it would give up a page, which nobody overwrites then
			}
			binary.NativeEndian.PutUint32(further, was|1<<bit)
			if err := opensWith(t, path, image); !errors.Is(err, store.ErrDamaged) {
				t.Errorf("bit %d of the page at %d: %v", bit, at, err)
			}
			binary.NativeEndian.PutUint32(further, was)
		}
	}
}

func TestABranchThatLeadsAstrayIsFoundAtTheOpening(t *testing.T) {
	path, image := surveyed(t)
	for _, at := range pagesIn(t, image, branchFlag) {
		for i := range int(binary.NativeEndian.Uint16(image[at+10:])) {
			to := image[at+pageHeader+uint64(i)*elementSize+8:][:8]
			was := binary.NativeEndian.Uint64(to)
			for _, other := range []uint64{0, at / 4096, was + 1<<40} {
				binary.NativeEndian.PutUint64(to, other)
				if err := opensWith(t, path, image); !errors.Is(err, store.ErrDamaged) {
					t.Errorf("element %d of the page at %d leads to %d: %v", i, at, other, err)
				}
			}
			binary.NativeEndian.PutUint64(to, was)
		}
	}
}

// A flipped bit in a bucket that is so small that it lies within the page of
// the buckets ended the process.
func TestASmallBucketThatLeadsOutOfItselfIsFoundAtTheOpening(t *testing.T) {
	path, image := surveyed(t)
	host := binary.NativeEndian
	m, _, err := readMetaPages(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	buckets := image[m.root*m.pageSize:][:m.pageSize]
	elements := 0
	for i := range int(host.Uint16(buckets[10:])) {
		at := pageHeader + i*elementSize
		value := at + int(host.Uint32(buckets[at+4:])) + int(host.Uint32(buckets[at+8:]))
		if host.Uint64(buckets[value:]) != 0 {
			continue
		}
		page := buckets[value+bucketHead:]
		for j := range int(host.Uint16(page[10:])) {
			elements++
			for _, part := range []int{4, 8, 12} {
				field := page[pageHeader+j*elementSize+part:]
				was := host.Uint32(field)
				host.PutUint32(field, was|1<<17)
				if err := opensWith(t, path, image); !errors.Is(err, store.ErrDamaged) {
					t.Errorf("element %d of bucket %d: %v", j, i, err)
				}
				host.PutUint32(field, was)
			}
		}
		host.PutUint16(page[8:], branchFlag)
		if err := opensWith(t, path, image); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("bucket %d taken for a branch: %v", i, err)
		}
		host.PutUint16(page[8:], leafFlag)
	}
	if elements == 0 {
		t.Error("no bucket is small enough: nothing was tried")
	}
	if err := opensWith(t, path, image); err != nil {
		t.Errorf("it does not open as it was: %v", err)
	}
}

func TestAPageThatClaimsAnotherCostsItsRowsWithoutTheSurvey(t *testing.T) {
	path, image := surveyed(t)
	for _, at := range pagesIn(t, image, leafFlag) {
		image[at+12] |= 1
	}
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	err := guarded(func() error {
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			return err
		}
		for i := range 120 {
			err := db.Update(func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte(rowsBucket)).Put(fmt.Appendf(nil, "g%03d", i), make([]byte, 700))
			})
			if err != nil {
				return err
			}
		}
		return db.View(func(tx *bbolt.Tx) error {
			if n := tx.Bucket([]byte(rowsBucket)).Stats().KeyN; n != 121 {
				return fmt.Errorf("%d rows", n)
			}
			return nil
		})
	})
	if err == nil {
		t.Error("nothing is lost: the survey finds what does no harm")
	}
}

func TestASurveyThatFindsDamageEndsAllChangesAndNoReading(t *testing.T) {
	path, image := surveyed(t)
	kv := openFor(t, path)
	if err := kv.Survey(t.Context()); err != nil {
		t.Fatalf("it is damaged to begin with: %v", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte{1}, int64(pagesIn(t, image, leafFlag)[3]+12)); err != nil {
		t.Fatal(err)
	}
	if err := kv.Survey(t.Context()); !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("not found: %v", err)
	}
	change := store.Change{Name: "g001", Expect: store.Any, Write: &store.Write{Value: []byte("new")}}
	if _, err := kv.Swap(t.Context(), change); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a change was made: %v", err)
	}
	get(t, kv, "g100", string(make([]byte, 700)))
}

func TestASurveyMakesWayForWhoeverWantsTheFile(t *testing.T) {
	path, _ := surveyed(t)
	kv := openFor(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	under, ended := make(chan struct{}), make(chan error)
	begun := sync.OnceFunc(func() { close(under) })
	go func() {
		ended <- kv.survey(ctx, func() {
			begun()
			for !kv.wanted.Load() && ctx.Err() == nil {
				runtime.Gosched()
			}
		})
	}()
	<-under
	kv.takeFile()
	cancel() // before the survey can begin anew
	kv.mu.Unlock()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it had ended when the file was given: %v", err)
	}
	if err := kv.Survey(t.Context()); err != nil {
		t.Error(err)
	}
}
