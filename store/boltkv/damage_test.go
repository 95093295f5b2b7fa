package boltkv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.etcd.io/bbolt"

	"webex-tokend/store"
)

func TestOneDamagedRowFailsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	for _, name := range []string{"a", "b", "c"} {
		put(t, kv, name, "value of "+name)
	}
	kv.Close()
	edit(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(rowsBucket)).Put([]byte("b"), []byte("\x00\x00\x00\x00\x00\x00\x00\x09\xff"))
	})
	kv = openFor(t, path)
	rows, err := kv.List(t.Context(), "", 0)
	if err != nil || len(rows) != 3 || len(rows[1].Value) != 0 {
		t.Fatalf("%v and %v", rows, err)
	}
	get(t, kv, "c", "value of c")
	if _, err := kv.Swap(t.Context(), store.Change{Name: "b", Expect: 9, Write: &store.Write{Value: []byte("new")}}); err != nil {
		t.Fatal(err)
	}
	get(t, kv, "b", "new")
}

// A flipped bit in the size of a value had the daemon copy a quarter of a
// gigabyte each time its grant was looked at.
func TestWhatIsLongerThanAnybodyWroteIsDamagedAndNotCopied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	put(t, kv, "a", "value of a")
	put(t, kv, "b", string(make([]byte, maxValue)))
	kv.Close()
	edit(t, path, func(tx *bbolt.Tx) error {
		rows, blobs := tx.Bucket([]byte(rowsBucket)), tx.Bucket([]byte(blobsBucket))
		long := make([]byte, 9+maxValue+1) // revision and no entries
		return errors.Join(rows.Put([]byte("c"), long), blobs.Put([]byte("c"), long))
	})
	kv = openFor(t, path)
	rows, err := kv.List(t.Context(), "", 0)
	if err != nil || len(rows) != 3 || len(rows[1].Value) != maxValue || rows[2].Value != nil {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if _, err := kv.Blob(t.Context(), "c"); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("the blob: %v", err)
	}
}

func TestRowsOnADamagedPageAreDamagedAndTheOthersAreRead(t *testing.T) {
	path, image := surveyed(t)
	for _, at := range pagesIn(t, image, leafFlag)[:3] {
		image[at+8] = 0x40 // no kind of page
	}
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	kv := openFor(t, path)
	var damaged, whole int
	for i := range 50 {
		r, err := kv.Get(t.Context(), fmt.Sprintf("g%03d", i))
		switch {
		case err != nil:
			t.Fatal(err)
		case len(r.Value) == 700:
			whole++
		default:
			damaged++
		}
	}
	if damaged == 0 || whole == 0 {
		t.Errorf("%d rows are damaged, %d whole", damaged, whole)
	}
}

func TestATornMetaPageIsNoticedAndSurvived(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	put(t, kv, "a", "1")
	put(t, kv, "b", "2")
	kv.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	newest, spare, err := readMetaPages(f)
	if err != nil || !spare {
		t.Fatal(spare, err)
	}
	at := int64(newest.tx%2) * int64(newest.pageSize)
	if _, err := f.WriteAt(make([]byte, 512), at); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	kv, err = Open(Config{Path: path, Log: hclog.New(&hclog.LoggerOptions{Output: &log})})
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Close()
	if !strings.Contains(log.String(), "meta page") {
		t.Error("nothing was logged")
	}
	get(t, kv, "a", "1") // the commit before the torn one
	put(t, kv, "c", "3")
}

// TestNoDamageCrashesTheOpener spoils a store in many ways, each of which a
// process of its own opens, reads and writes. What it reads may be wrong, since
// bbolt checks no page: the seal above finds that. It must come to an end.
// WEBEX_TOKEND_ROUNDS sets another number of damages.
func TestNoDamageCrashesTheOpener(t *testing.T) {
	images := 150
	if text := os.Getenv("WEBEX_TOKEND_ROUNDS"); text != "" {
		images = number(text)
	}
	for _, end := range badEnds(t, "examine", images) {
		t.Error(end)
	}
	t.Logf("%d damaged files", images)
}

func TestTheDamageCrashesAnOpenerWithoutGuard(t *testing.T) {
	if len(badEnds(t, "examine without guard", 30)) == 0 {
		t.Error("nothing crashed: the harness proves nothing")
	}
}

// badEnds lets another process use spoiled copies of one store and tells how
// it crashed or hung, image by image.
func badEnds(t *testing.T, role string, images int) (ends []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	kv := openFor(t, path)
	for i := range 120 {
		name := fmt.Sprintf("g%03d", i)
		c := store.Change{Name: name, Write: &store.Write{Value: make([]byte, 700), Entries: []store.Entry{
			{Index: store.DueIndex, Group: "crm", Rank: uint64(i + 1), Name: name}}}}
		if _, err := kv.Swap(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	kv.Close()

	for next := 0; next < images; {
		child := startChild(t, role, path, fmt.Sprint(next), fmt.Sprint(images))
		begun := next
		hung := time.AfterFunc(time.Minute, child.kill)
		last := "before the first image"
		for s := bufio.NewScanner(child.out); s.Scan(); next++ {
			last = s.Text()
			hung.Reset(time.Minute)
		}
		hung.Stop()
		if err := child.wait(); err != nil {
			ends = append(ends, fmt.Sprintf("%s: %v\n%.1000s", last, err, child.errors.String()))
		}
		if next == begun {
			t.Fatalf("the process did nothing: %s", ends)
		}
	}
	return ends
}

// examine spoils copies of a store, names each and uses it.
func examine(path string, from, to int, use func(string)) error {
	good, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := from; i < to; i++ {
		image, what := spoil(good, i)
		fmt.Println(i, what)
		copied := fmt.Sprintf("%s.%d", path, i)
		if err := os.WriteFile(copied, image, 0o600); err != nil {
			return err
		}
		use(copied)
		os.Remove(copied)
		os.Remove(copied + ".lock")
	}
	return nil
}

func spoil(good []byte, seed int) (image []byte, what string) {
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	image = append([]byte(nil), good...)
	at := random.IntN(len(image))
	switch seed % 6 {
	case 0:
		return image[:at], fmt.Sprintf("cut at %d", at)
	case 1:
		at -= at % os.Getpagesize()
		return image[:at], fmt.Sprintf("cut at the page %d", at)
	case 2:
		at -= at % os.Getpagesize()
		clear(image[at : at+os.Getpagesize()])
		return image, fmt.Sprintf("zeros from %d", at)
	case 3: // headers of pages are few bytes and say most
		at = at - at%os.Getpagesize() + random.IntN(64)
	}
	bit := random.IntN(8)
	image[at] ^= 1 << bit
	return image, fmt.Sprintf("bit %d of byte %d", bit, at)
}

// useGuarded calls everything there is; errors are welcome.
func useGuarded(path string) {
	kv, err := Open(Config{Path: path})
	if err != nil {
		return
	}
	defer kv.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	rows, _ := kv.List(ctx, "", 0)
	for _, r := range rows {
		kv.Get(ctx, r.Name)
	}
	kv.Range(ctx, store.Query{Index: store.DueIndex, Group: "crm"})
	kv.Blob(ctx, "cursor")
	for i := range 5 {
		name := fmt.Sprintf("g%03d", i*30)
		kv.Swap(ctx, store.Change{Name: name, Expect: store.Any, Write: &store.Write{Value: make([]byte, 900)}})
	}
	kv.Swap(ctx, store.Change{Name: "g001", Expect: store.Any, Delete: true})
	kv.Groups(ctx, store.DueIndex)
}

// useBare is what a program does that trusts the file.
func useBare(path string) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return
	}
	defer db.Close()
	db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				_ = string(k) + string(v)
				return nil
			})
		})
	})
	db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(rowsBucket)).Put([]byte("g030"), make([]byte, 900))
	})
}
