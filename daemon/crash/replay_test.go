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
// and of what was written since any part, block by block.
type replay struct {
	synced  []byte
	pending []block
}

type block struct {
	at   int
	data []byte
}

const blockSize = 4096

func (r *replay) write(at int, data []byte) {
	for len(data) > 0 {
		n := min(blockSize-at%blockSize, len(data))
		r.pending = append(r.pending, block{at, data[:n]})
		at, data = at+n, data[n:]
	}
}

// image is the file with the pending blocks that keep says.
func (r *replay) image(keep func(i int) bool) []byte {
	b := append([]byte(nil), r.synced...)
	for i, p := range r.pending {
		if keep(i) {
			b = append(b, make([]byte, max(0, p.at+len(p.data)-len(b)))...)
			copy(b[p.at:], p.data)
		}
	}
	return b
}

// images yields the file for every subset of the pending blocks, or for many of
// them where there are too many.
func (r *replay) images(yield func([]byte)) {
	n := len(r.pending)
	if n <= 7 {
		for set := range 1 << n {
			yield(r.image(func(i int) bool { return set>>i&1 == 1 }))
		}
		return
	}
	for at := range 100 {
		share := float64(at) / 99
		yield(r.image(func(int) bool { return rand.Float64() < share }))
	}
}

func (r *replay) sync() {
	r.synced = r.image(func(int) bool { return true })
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

func TestNoSubsetOfUnsyncedWritesLosesWhatWasAcknowledged(t *testing.T) {
	h := newHost(t, 0)
	h.consented()
	if !h.alive() { // makes the store, and generation 2
		t.Fatal("it does not live to begin with")
	}
	whole, err := os.ReadFile(filepath.Join(h.dir, "state", "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	r := &replay{synced: whole}
	acknowledged, images, seen := uint64(2), 0, make(map[uint64]int)
	look := func() {
		r.images(func(image []byte) {
			images++
			generation, err := h.generationIn(image)
			if err != nil {
				t.Errorf("image %d does not open: %v", images, err)
			} else if generation < acknowledged {
				t.Errorf("image %d: generation %d, %d was acknowledged", images, generation, acknowledged)
			}
			seen[generation]++
		})
	}
	refreshes := rounds(t, 8)
	for range refreshes {
		for _, call := range h.traced() {
			if m := tracedWrite.FindStringSubmatch(call); m != nil {
				data, err := strconv.Unquote(`"` + m[1] + `"`)
				at, atErr := strconv.Atoi(m[2])
				if err := errors.Join(err, atErr); err != nil {
					t.Fatal(err)
				}
				r.write(at, []byte(data))
			}
			if tracedSync.MatchString(call) {
				look()
				r.sync()
			}
			if tracedTold.MatchString(call) {
				acknowledged++
				look()
			}
		}
	}
	look()
	if last := uint64(2 + refreshes); acknowledged != last || seen[2] == 0 || seen[last] == 0 {
		t.Errorf("generation %d was acknowledged, images by generation %v: the replay proves nothing", acknowledged, seen)
	}
	t.Logf("%d images of %d refreshes, each as a power loss may leave the store", images, refreshes)
}
