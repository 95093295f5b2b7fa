package crash_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator"
)

// The soak: so many grants on short lives, and so many clients at the socket,
// some of whom ask and never read. WEBEX_TOKEND_SOAK sets its duration; between
// its rounds the clients go, and the daemon is looked at.
const (
	soakGrants  = 200
	soakReaders = 900
	soakMutes   = 100
	soakRounds  = 15
)

// What comes and goes.
const (
	noisyDescriptors = 32
	noisyGoroutines  = 64
)

func soakFor(t *testing.T) time.Duration {
	if testing.Short() {
		t.Skip("a soak is not short")
	}
	text := os.Getenv("WEBEX_TOKEND_SOAK")
	if text == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A sample is what the daemon uses while nobody is connected. Under the crowd
// it depends on how fast the machine is.
type sample struct{ memory, descriptors, goroutines int } // memory in KiB, without that of files

func (h *host) sample(d *process, c *client.Client) (s sample) {
	h.t.Helper()
	until(h.t, func(context.Context) error {
		c.Close()
		if n := h.connections(); n > 0 {
			return fmt.Errorf("nobody is there, and the daemon holds %d connections", n)
		}
		return nil
	})
	folder := fmt.Sprintf("/proc/%d", d.cmd.Process.Pid)
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			fmt.Sscan(rest, &s.memory)
		}
	}
	open, err := os.ReadDir(filepath.Join(folder, "fd"))
	if err != nil {
		h.t.Fatal(err)
	}
	s.descriptors = len(open)
	conn, err := net.Dial("unix", filepath.Join(h.dir, "count"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fscan(conn, &s.goroutines); err != nil {
		h.t.Fatal(err)
	}
	return s
}

// settled waits for what is under way: many grants are refreshed at once, which
// takes a slow machine a while. A leak stays.
func (h *host) settled(d *process, c *client.Client, before []sample, within time.Duration) sample {
	h.t.Helper()
	s := h.sample(d, c)
	for end := time.Now().Add(within); time.Now().Before(end); s = h.sample(d, c) {
		busier := func(least sample) bool {
			return s.goroutines > least.goroutines+noisyGoroutines || s.descriptors > least.descriptors+noisyDescriptors
		}
		if !slices.ContainsFunc(before, busier) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return s
}

// connections counts those to the daemon's socket at its end, also those that it
// has not accepted yet.
func (h *host) connections() (n int) {
	h.t.Helper()
	const listens = "00010000" // a flag of the kernel
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		h.t.Fatal(err)
	}
	path := filepath.Join(h.dir, "run", "api.sock")
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) == 8 && fields[7] == path && fields[3] != listens {
			n++
		}
	}
	return n
}

// grown compares the last third of samples with the third before; the first is
// for warming up. It says what grew by more than a tenth and the noise of it.
func grown(samples []sample) (what []string) {
	third := len(samples) / 3
	middle := func(list []sample, of func(sample) int) int {
		values := make([]int, 0, len(list))
		for _, s := range list {
			values = append(values, of(s))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	for _, use := range []struct {
		name  string
		noise int
		of    func(sample) int
	}{
		{"memory in KiB", 16 << 10, func(s sample) int { return s.memory }},
		{"descriptors", noisyDescriptors, func(s sample) int { return s.descriptors }},
		{"goroutines", noisyGoroutines, func(s sample) int { return s.goroutines }},
	} {
		before, after := middle(samples[third:2*third], use.of), middle(samples[2*third:], use.of)
		if after > before+before/10+use.noise {
			what = append(what, fmt.Sprintf("%s from %d to %d", use.name, before, after))
		}
	}
	return what
}

func TestASoakIsSeenToGrowWhereItDoes(t *testing.T) {
	var flat, leaking []sample
	for i := range soakRounds {
		flat = append(flat, sample{50<<10 + i%7<<10, 200 + i%9, 300 + i%20})
		leaking = append(leaking, sample{50<<10 + 6*i<<10, 200 + 18*i, 300 + 30*i})
	}
	if what := grown(flat); len(what) > 0 {
		t.Errorf("noise counts as growth: %v", what)
	}
	if what := grown(leaking); len(what) != 3 {
		t.Errorf("of three leaks it sees %v", what)
	}
}

func TestMemoryDescriptorsAndGoroutinesStayFlatUnderACrowd(t *testing.T) {
	during := soakFor(t)
	life := min(time.Minute, during/2)
	h := newHostOf(t, emulator.Config{Calm: true, Rotate: true, Grace: longGrace, AccessLife: life, KeepCalls: -1})
	d := h.start("daemon")
	c := h.speak()
	names := h.registerFleet(c, soakGrants)

	var reads atomic.Int64
	var samples []sample
	for range soakRounds {
		h.crowd(t, during/soakRounds, names, &reads)
		samples = append(samples, h.settled(d, c, samples, life))
	}

	late, end := patience(t)
	defer end()
	for _, name := range names {
		// One that is about to expire would be dead once it is looked at.
		token, err := c.Token(late, name, time.Second)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !h.webex.ValidAccess(token.AccessToken) {
			t.Errorf("%s: its token does not work", name)
		}
	}
	d.kill()
	d.wait()
	if what := grown(samples); len(what) > 0 {
		t.Errorf("grown: %s", strings.Join(what, ", "))
	}
	if reads.Load() == 0 || h.webex.Stats().Refreshes < soakGrants {
		t.Errorf("%d reads, %d refreshes: that was no soak", reads.Load(), h.webex.Stats().Refreshes)
	}
	t.Logf("%d reads, %d refreshes in %v; at the end %+v", reads.Load(), h.webex.Stats().Refreshes, during, samples[len(samples)-1])
}

// crowd comes, stays for so long and goes.
func (h *host) crowd(t *testing.T, stay time.Duration, names []string, reads *atomic.Int64) {
	ctx, cancel := context.WithTimeout(t.Context(), stay)
	defer cancel()
	var crowd sync.WaitGroup
	for i := range soakReaders {
		crowd.Go(func() { h.readTokens(ctx, names[i%len(names)], reads) })
	}
	for i := range soakMutes {
		crowd.Go(func() { h.askAndNeverRead(ctx, i) })
	}
	crowd.Wait()
}

// readTokens comes, asks for a token and goes, again and again.
func (h *host) readTokens(ctx context.Context, name string, reads *atomic.Int64) {
	for ; ctx.Err() == nil; rest(ctx, time.Second) {
		conn, err := net.Dial("unix", filepath.Join(h.dir, "run", "api.sock"))
		if err != nil {
			continue
		}
		fmt.Fprintf(conn, "GET /v1/grants/%s/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", name)
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
			reads.Add(1)
		}
	}
}

// askAndNeverRead asks for the events, or for all grants, and leaves the answer
// lying; when it is cut off it comes again.
func (h *host) askAndNeverRead(ctx context.Context, i int) {
	path := []string{"/v1/events", "/v1/grants?limit=1000"}[i%2]
	for ctx.Err() == nil {
		conn, err := net.Dial("unix", filepath.Join(h.dir, "run", "api.sock"))
		if err != nil {
			rest(ctx, time.Second)
			continue
		}
		for ctx.Err() == nil {
			if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
				break
			}
			rest(ctx, time.Second)
		}
		conn.Close()
	}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
