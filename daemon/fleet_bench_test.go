package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"

	"github.com/hashicorp/go-hclog"
)

// A benchFleet is a fleet with its sealed store on disk and its publisher on tmpfs, and an
// emulated Webex on loopback that shares the processors with them.
type benchFleet struct {
	webex     *emulator.Emulator
	server    *httptest.Server
	events    *event.Stream
	fleet     *fleet.Fleet
	publisher *publish.Publisher
	names     []string
	ahead     atomic.Int64 // how far the keeper's clock is, in nanoseconds
}

const inFlight = 256

func newFleet(b *testing.B, grants int, latency time.Duration) *benchFleet {
	f := &benchFleet{webex: emulator.New(emulator.Config{Calm: true, KeepCalls: -1, AccessSize: 770, Latency: latency})}
	f.server = httptest.NewServer(f.webex)
	b.Cleanup(f.server.Close)
	state, run := b.TempDir(), tmpfs(b)
	client := f.webex.Client(emulator.REST)
	secret := filepath.Join(state, "secret")
	if err := os.WriteFile(secret, []byte(client.Secret), 0o600); err != nil {
		b.Fatal(err)
	}
	cfg, err := configfile.Parse(fmt.Appendf(nil, `
runtime_dir = %q
integration "rest" {
  kind               = "rest"
  client_id          = %q
  client_secret_file = %q
  token_url          = %q
  concurrency        = %d
  min_interval       = "1s"
}
grant "tenant-*" {
  integration = "rest"
  file {
    path = "%s/{{ .Grant }}"
  }
}
`, run, client.ID, secret, f.server.URL+emulator.TokenPath, inFlight, filepath.Join(run, "tokens")), "bench.hcl")
	if err != nil {
		b.Fatal(err)
	}
	kv, err := boltkv.Open(boltkv.Config{Path: filepath.Join(state, "store.db")})
	if err != nil {
		b.Fatal(err)
	}
	ring, err := seal.Open(b.Context(), kv, seal.NewKey())
	if err != nil {
		b.Fatal(err)
	}
	kept, err := store.Open(b.Context(), kv, store.Config{Seal: ring})
	if err != nil {
		b.Fatal(err)
	}
	f.events = event.NewStream(nil)
	// Lines are made as in the daemon, and read by nobody.
	log := hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Info})
	f.fleet = fleet.New(fleet.Config{Log: log, Events: f.events, Store: kept, Config: cfg, Provider: provider.New(provider.Config{}),
		Now: func() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) }})
	f.publisher = publish.New(publish.Config{Log: log, Config: cfg, Current: f.fleet.Refresher.Current,
		Now:       func() time.Time { return time.Now().Add(time.Duration(f.ahead.Load())) },
		Published: f.fleet.Registry.Published, Unpublished: f.fleet.Registry.Unpublished, Registered: f.fleet.Registry.Registered})
	if err := f.fleet.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	f.fill(b, grants)
	f.follow(b)
	b.Cleanup(func() {
		if err := f.fleet.Stop(context.Background()); err != nil {
			b.Error(err)
		}
		if err := kept.Close(); err != nil {
			b.Error(err)
		}
	})
	return f
}

func tmpfs(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "webex-tokend-bench-")
	if err != nil {
		b.Skip("no /dev/shm to publish to")
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// fill registers the grants.
func (f *benchFleet) fill(b *testing.B, grants int) {
	lines := make(chan []byte)
	var workers sync.WaitGroup
	for range 2 * inFlight {
		workers.Go(func() {
			for line := range lines {
				parsed, err := tokenfile.ParseLine(line)
				if err != nil {
					b.Error(err)
					continue
				}
				if _, err := f.fleet.Registry.Register(b.Context(), parsed.Grant, registry.Registration{Answer: parsed.Answer}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for line := range f.webex.IssueMany(emulator.REST, grants, func(i int) string {
		f.names = append(f.names, fmt.Sprintf("tenant-%07d", i))
		return f.names[i]
	}) {
		lines <- bytes.Clone(line)
	}
	close(lines)
	workers.Wait()
}

// follow publishes as the daemon does.
func (f *benchFleet) follow(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	events := f.events.Subscribe(event.Latest)
	tasks.Go(func() { _ = f.publisher.Run(ctx) })
	tasks.Go(func() {
		defer events.Close()
		for {
			list, err := events.Next(ctx)
			if err != nil {
				return
			}
			for _, e := range list {
				if e.Kind == event.Refreshed {
					f.publisher.Publish(e.Grant)
				}
			}
		}
	})
	b.Cleanup(func() { cancel(); tasks.Wait() })
	if err := f.publisher.Idle(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// storm lets every grant fall due at once, sweeps each second as the daemon
// does, and returns when the last token is durable and published.
func (f *benchFleet) storm(b *testing.B) (perSecond float64) {
	f.ahead.Add(int64(8 * 24 * time.Hour))
	before := f.webex.Stats().Refreshes
	begin := time.Now()
	sweep := time.NewTicker(time.Second)
	defer sweep.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	f.fleet.Sweeper.Sweep(b.Context())
	for f.webex.Stats().Refreshes-before < uint64(len(f.names)) {
		select {
		case <-sweep.C:
			f.fleet.Sweeper.Sweep(b.Context())
		case <-look.C:
		}
	}
	if err := f.fleet.Sweeper.Idle(b.Context()); err != nil {
		b.Error(err)
	}
	if err := f.publisher.Idle(b.Context()); err != nil {
		b.Error(err)
	}
	return float64(len(f.names)) / time.Since(begin).Seconds()
}

// onOrder refreshes grants round and round, as often as the store takes it, and
// counts what the endpoint had answered when the time is over; a publisher that
// lags behind shows as a lower rate, because its end is waited for. It serves
// fleets that are too small for a storm to last. No grant has two workers: the
// second would join the refresh of the first, and one request would count twice.
func (f *benchFleet) onOrder(b *testing.B, during time.Duration) (perSecond float64) {
	ctx, cancel := context.WithTimeout(b.Context(), during)
	defer cancel()
	before := f.webex.Stats().Refreshes
	var done atomic.Uint64
	var workers sync.WaitGroup
	many := min(4*inFlight, len(f.names)) // as many as a lane has workers
	for first := range many {
		workers.Go(func() {
			for i := first; ctx.Err() == nil; i += many {
				if i >= len(f.names) {
					i = first
				}
				if err := f.fleet.Refresher.Refresh(b.Context(), f.names[i]); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	<-ctx.Done()
	counted := f.webex.Stats().Refreshes - before
	workers.Wait()
	if seen := f.webex.Stats().Refreshes - before; seen != done.Load() {
		b.Errorf("the endpoint answered %d refreshes, %d were counted here", seen, done.Load())
	}
	drained := time.Now()
	if err := f.publisher.Idle(b.Context()); err != nil {
		b.Error(err)
	}
	return float64(counted) / (during + time.Since(drained)).Seconds()
}

// bare posts the same requests with nothing but an HTTP client.
func (f *benchFleet) bare(b *testing.B, during time.Duration) (perSecond float64) {
	client := f.webex.Client(emulator.REST)
	form := url.Values{
		"grant_type": {"refresh_token"}, "client_id": {client.ID}, "client_secret": {client.Secret},
		"refresh_token": {f.webex.Issue(emulator.REST, emulator.Consent{}).RefreshToken},
	}.Encode()
	transport := &http.Transport{MaxIdleConnsPerHost: inFlight, DisableCompression: true}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(b.Context(), during)
	defer cancel()
	var done atomic.Int64
	var workers sync.WaitGroup
	begin := time.Now()
	for range inFlight {
		workers.Go(func() {
			for ctx.Err() == nil {
				req, _ := http.NewRequest("POST", f.server.URL+emulator.TokenPath, bytes.NewReader([]byte(form)))
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				resp, err := transport.RoundTrip(req)
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				done.Add(1)
			}
		})
	}
	workers.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds()
}

// BenchmarkFleet measures refreshes that are durable and published against the
// bare HTTP client, counted at the endpoint, in alternating pairs of the same
// process. It prints the median ratio with its range, and the processor time of
// the process, endpoint included, for one refresh and for one bare request: rates
// are noise on a shared machine, processor time is less so.
//
//	go test -run '^$' -bench Fleet -benchtime 1x ./daemon
//	GOGC=400 go test -run '^$' -bench Fleet/grants=1000 -benchtime 1x ./daemon   # as under the unit
//	WEBEX_TOKEND_GRANTS=1000000 go test -run '^$' -bench Fleet/storm -benchtime 1x -timeout 1h ./daemon
func BenchmarkFleet(b *testing.B) {
	many := 100_000
	if n, err := strconv.Atoi(os.Getenv("WEBEX_TOKEND_GRANTS")); err == nil {
		many = n
	}
	during := 5 * time.Second
	if d, err := time.ParseDuration(os.Getenv("WEBEX_TOKEND_DURING")); err == nil {
		during = d
	}
	b.Run("grants=1000", func(b *testing.B) {
		f := newFleet(b, 1000, 0)
		f.against(b, during, func() float64 { return f.onOrder(b, during) })
	})
	b.Run(fmt.Sprintf("storm/grants=%d", many), func(b *testing.B) {
		f := newFleet(b, many, 0)
		f.against(b, during, func() float64 { return f.storm(b) })
	})
	b.Run("endpoint=150ms", func(b *testing.B) {
		f := newFleet(b, 10_000, 150*time.Millisecond)
		f.against(b, during, func() float64 { return f.onOrder(b, 2*during) })
	})
}

// pairs is how often ours and the bare client alternate.
const pairs = 5

// A rate is how fast something went, and what one of it cost.
type rate struct {
	perSecond float64
	micros    float64 // of processor time
}

// against reports our rate beside that of the bare client.
func (f *benchFleet) against(b *testing.B, during time.Duration, ours func() float64) {
	f.bare(b, time.Second) // warms connections and the emulator
	for b.Loop() {
		var bare, own []rate
		var ratios []float64
		for range pairs {
			bare = append(bare, f.measure(func() float64 { return f.bare(b, during) }))
			own = append(own, f.measure(ours))
			ratios = append(ratios, own[len(own)-1].perSecond/bare[len(bare)-1].perSecond)
		}
		of := func(list []rate, value func(rate) float64) float64 {
			var values []float64
			for _, r := range list {
				values = append(values, value(r))
			}
			return middle(values)
		}
		perSecond, micros := func(r rate) float64 { return r.perSecond }, func(r rate) float64 { return r.micros }
		b.ReportMetric(of(bare, perSecond), "bare/s")
		b.ReportMetric(of(own, perSecond), "refreshes/s")
		b.ReportMetric(of(bare, micros), "cpu-µs/bare")
		b.ReportMetric(of(own, micros), "cpu-µs/refresh")
		b.ReportMetric(middle(ratios), "ratio")
		b.ReportMetric(slices.Min(ratios), "ratio-min")
		b.ReportMetric(slices.Max(ratios), "ratio-max")
	}
}

// measure runs something that returns its rate, and adds what the endpoint's
// count of requests cost in processor time.
func (f *benchFleet) measure(run func() float64) rate {
	runtime.GC()
	requests, used := f.webex.Stats().Refreshes, processorTime()
	perSecond := run()
	requests = f.webex.Stats().Refreshes - requests
	return rate{perSecond, float64((processorTime() - used).Microseconds()) / float64(max(requests, 1))}
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
