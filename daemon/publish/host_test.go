package publish_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/refresh"
	"webex-tokend/daemon/refusal"
	"webex-tokend/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A host stands for the keeper: tokens, and the marks of those that are behind.
type host struct {
	mu      sync.Mutex
	current map[string]refresh.Current
	behind  map[string]uint64
	listing error // of Unpublished and Registered
}

func newHost() *host {
	return &host{current: make(map[string]refresh.Current), behind: make(map[string]uint64)}
}

// token stores a token for a grant, as a refresh does.
func (h *host) token(name string, generation uint64, access string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current[name] = refresh.Current{
		Grant:      name,
		Generation: generation,
		Token:      store.Token{Access: store.NewSecret(access), Type: "Bearer", ExpiresAt: time.Now().Add(24 * time.Hour)},
	}
	h.behind[name] = generation
}

func (h *host) state(name string, s store.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.current[name]
	c.State = s
	h.current[name] = c
}

func (h *host) Current(_ context.Context, name string) (refresh.Current, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.current[name]
	if !ok {
		return refresh.Current{}, &refusal.Error{Kind: refusal.Conflict, State: store.Pending, Detail: "no token of grant " + name}
	}
	return c, nil
}

func (h *host) Published(_ context.Context, name string, generation uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.behind[name] != generation {
		return store.ErrConflict
	}
	delete(h.behind, name)
	return nil
}

func (h *host) Unpublished(_ context.Context, after string, limit int) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return following(slices.Collect(maps.Keys(h.behind)), after, limit), h.listing
}

func (h *host) Registered(_ context.Context, after string, limit int) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return following(slices.Collect(maps.Keys(h.current)), after, limit), h.listing
}

func following(names []string, after string, limit int) []string {
	slices.Sort(names)
	i, found := slices.BinarySearch(names, after)
	if found {
		i++
	}
	return names[i:min(i+limit, len(names))]
}

// drop removes a grant.
func (h *host) drop(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.current, name)
	h.behind[name] = 0
}

// marked lists the grants that are noted as behind.
func (h *host) marked() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.behind))
}

// publisher is the usual Config of a test.
func (h *host) publisher(c *config.Config) publish.Config {
	return publish.Config{
		Config: c, Current: h.Current, Published: h.Published,
		Unpublished: h.Unpublished, Registered: h.Registered,
	}
}

// run starts a publisher that ends with the test.
func run(t testing.TB, cfg publish.Config) *publish.Publisher {
	t.Helper()
	p := publish.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return p
}

// runThenStop stops a publisher between two steps of a delivery.
func runThenStop(t *testing.T, cfg publish.Config, begun, blocked chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan error)
	go func() { returned <- publish.New(cfg).Run(ctx) }()
	<-begun
	cancel()
	close(blocked)
	if err := <-returned; err != nil {
		t.Error(err)
	}
}

func idle(t testing.TB, p *publish.Publisher) {
	t.Helper()
	if err := p.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// declare makes a configuration of one grant with these outputs.
func declare(runtimeDir, name string, files ...config.File) *config.Config {
	return &config.Config{RuntimeDir: runtimeDir, Grants: []*config.Grant{{Name: name, Files: files}}}
}

func raw(path string) config.File { return config.File{Path: path, Format: "raw", Mode: 0o600} }

// folder is an empty folder outside of every runtime folder.
func folder(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tokens")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// memory is an empty folder on tmpfs.
func memory(t testing.TB) string {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		t.Skip("needs a tmpfs at /dev/shm")
	}
	dir, err := os.MkdirTemp("/dev/shm", "publish")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func wantContent(t testing.TB, path, want string) {
	t.Helper()
	if got := content(t, path); got != want {
		t.Errorf("%s holds %q, want %q", path, got, want)
	}
}

// wantNames compares what a folder holds, temporary files included.
func wantNames(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("folder holds %q, want %q", got, want)
	}
}

// states joins what Outputs says: "ok 3, failed 2 (no such file)".
func states(p *publish.Publisher, name string) string {
	var list []string
	for _, o := range p.Outputs(name) {
		s := fmt.Sprintf("%s %d", o.State, o.Generation)
		if o.Error != "" {
			s += " (" + o.Error + ")"
		}
		list = append(list, s)
	}
	return strings.Join(list, ", ")
}

func wantStates(t testing.TB, p *publish.Publisher, name, want string) {
	t.Helper()
	if got := states(p, name); got != want {
		t.Errorf("outputs of %s are %q, want %q", name, got, want)
	}
}
