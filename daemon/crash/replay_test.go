package crash_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

// A replay is the store file as a power loss may leave it: all that was synced,
// and of what was written since any part, block by block, and of one block any
// sectors.
type replay struct {
	synced  []byte
	pending []block
}

type block struct {
	at   int
	data []byte
}

// sectors are those of one block that reached the disk, a bit each.
type sectors uint8

const (
	blockSize  = 4096
	sectorSize = 512

	lost  sectors = 0
	whole sectors = 1<<(blockSize/sectorSize) - 1
)

func (r *replay) write(at int, data []byte) {
	for len(data) > 0 {
		n := min(blockSize-at%blockSize, len(data))
		r.pending = append(r.pending, block{at, data[:n]})
		at, data = at+n, data[n:]
	}
}

// image is the file with what was kept of each pending block.
func (r *replay) image(kept func(i int) sectors) []byte {
	b := append([]byte(nil), r.synced...)
	for i, p := range r.pending {
		keep := kept(i)
		for from := 0; from < len(p.data); from += sectorSize {
			if keep>>(from/sectorSize)&1 == 0 {
				continue
			}
			at, part := p.at+from, p.data[from:min(from+sectorSize, len(p.data))]
			b = append(b, make([]byte, max(0, at+len(part)-len(b)))...)
			copy(b[at:], part)
		}
	}
	// A file grows by blocks.
	return append(b, make([]byte, -len(b)&(blockSize-1))...)
}

// images yields the file for every subset of the pending blocks, or for many of
// them where there are too many; then with each block torn.
func (r *replay) images(yield func([]byte)) {
	n := len(r.pending)
	share := func(kept bool) sectors {
		if kept {
			return whole
		}
		return lost
	}
	if n <= 7 {
		for set := range 1 << n {
			yield(r.image(func(i int) sectors { return share(set>>i&1 == 1) }))
		}
	} else {
		for at := range 100 {
			likely := float64(at) / 99
			yield(r.image(func(int) sectors { return share(rand.Float64() < likely) }))
		}
	}
	for torn := range n {
		yield(r.image(func(i int) sectors {
			if i == torn {
				return sectors(1 + rand.IntN(int(whole)-1))
			}
			return share(rand.IntN(4) > 0)
		}))
	}
}

func (r *replay) sync() {
	r.synced = r.image(func(int) sectors { return whole })
	r.pending = nil
}

// strace writes every byte as \xNN, those of paths too.
var (
	storePath   = regexp.QuoteMeta(hexed("/store.db"))
	tracedWrite = regexp.MustCompile(`pwrite64\(\d+<[^>]*` + storePath + `>, "([^"]*)", \d+, (\d+)\) += \d+`)
	tracedSync  = regexp.MustCompile(`(?:fdatasync|fsync)\(\d+<[^>]*` + storePath + `>\) += 0`)
	tracedTold  = regexp.MustCompile(`write\(1<[^>]*>, "` + regexp.QuoteMeta(hexed("window")))
)

func hexed(text string) (quoted string) {
	for _, c := range []byte(text) {
		quoted += fmt.Sprintf(`\x%02x`, c)
	}
	return quoted
}

// traced runs one refresh under strace and returns its calls in order, each on
// one line.
func (h *host) traced() []string {
	h.t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		h.t.Skip("there is no strace")
	}
	file := filepath.Join(h.dir, "trace")
	h.wrap = []string{strace, "-f", "-qq", "-y", "-xx", "-s", "1000000", "-o", file, "-e", "trace=pwrite64,fdatasync,fsync,write"}
	if _, code := h.start("refresh", "").wait(); code != 0 {
		h.t.Fatalf("exit code %d", code)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}
	return resumed(string(text))
}

// resumed joins calls that strace told in two parts, at their end.
func resumed(text string) (lines []string) {
	begun := make(map[string]string)
	for line := range strings.Lines(text) {
		thread, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		call = strings.TrimSpace(call)
		if head, ok := strings.CutSuffix(call, " <unfinished ...>"); ok {
			begun[thread] = head
			continue
		}
		if _, tail, ok := strings.Cut(call, " resumed>"); ok {
			call = begun[thread] + tail
		}
		lines = append(lines, call)
	}
	return lines
}

// generationIn opens an image and returns the generation of ops.
func (h *host) generationIn(image []byte) (uint64, error) {
	path := filepath.Join(h.t.TempDir(), "store.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		return 0, err
	}
	key, _, err := seal.ReadKey(filepath.Join(h.dir, "store.key"))
	if err != nil {
		return 0, err
	}
	kv, err := boltkv.Open(boltkv.Config{Path: path})
	if err != nil {
		return 0, err
	}
	defer kv.Close()
	ring, err := seal.Open(h.t.Context(), kv, key)
	if err != nil {
		return 0, err
	}
	kept, err := store.Open(h.t.Context(), kv, store.Config{Seal: ring})
	if err != nil {
		return 0, err
	}
	s, err := kept.Get(h.t.Context(), "ops")
	if err != nil {
		return 0, err
	}
	return s.Generation, nil
}

// A loss tells how the images of many power losses opened.
type loss struct {
	images       int
	acknowledged uint64         // the last generation
	seen         map[uint64]int // images by generation
	faults       []string       // images that do not open, or are too old
}

// replayed makes refreshes under strace and looks at every image that a power
// loss at any time may leave. Deaf to syncs, it believes that none ever came.
func (h *host) replayed(refreshes int, deaf bool) loss {
	h.t.Helper()
	h.consented()
	if !h.alive() { // makes the store, and generation 2
		h.t.Fatal("it does not live to begin with")
	}
	made, err := os.ReadFile(filepath.Join(h.dir, "state", "store.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	r := &replay{synced: made}
	l := loss{acknowledged: 2, seen: make(map[uint64]int)}
	look := func() {
		r.images(func(image []byte) {
			l.images++
			generation, err := h.generationIn(image)
			if err != nil {
				l.faults = append(l.faults, fmt.Sprintf("image %d does not open: %v", l.images, err))
			} else if generation < l.acknowledged {
				l.faults = append(l.faults, fmt.Sprintf("image %d: generation %d, %d was acknowledged", l.images, generation, l.acknowledged))
			}
			l.seen[generation]++
		})
	}
	for range refreshes {
		for _, call := range h.traced() {
			if m := tracedWrite.FindStringSubmatch(call); m != nil {
				data, err := strconv.Unquote(`"` + m[1] + `"`)
				at, atErr := strconv.Atoi(m[2])
				if err := errors.Join(err, atErr); err != nil {
					h.t.Fatal(err)
				}
				r.write(at, []byte(data))
			}
			if tracedSync.MatchString(call) && !deaf {
				look()
				r.sync()
			}
			if tracedTold.MatchString(call) {
				l.acknowledged++
				look()
			}
		}
	}
	look()
	return l
}

func TestNoSubsetOfUnsyncedWritesLosesWhatWasAcknowledged(t *testing.T) {
	refreshes := rounds(t, 8)
	l := newHost(t, 0).replayed(refreshes, false)
	for _, fault := range l.faults {
		t.Error(fault)
	}
	if last := uint64(2 + refreshes); l.acknowledged != last || l.seen[2] == 0 || l.seen[last] == 0 {
		t.Errorf("generation %d was acknowledged, images by generation %v: the replay proves nothing", l.acknowledged, l.seen)
	}
	t.Logf("%d images of %d refreshes, each as a power loss may leave the store", l.images, refreshes)
}

func TestTheReplaySeesWritesThatAreNotSynced(t *testing.T) {
	if l := newHost(t, 0).replayed(1, true); len(l.faults) == 0 {
		t.Errorf("%d images and nothing lost: the replay proves nothing", l.images)
	}
}
