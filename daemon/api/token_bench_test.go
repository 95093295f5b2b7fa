package api_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/api"
)

// BenchmarkToken reads a token over kept-alive unix sockets, in turns with a bare
// net/http server that answers a constant of the same length. What lies between
// them is the product: gate, line of the log, sealed store, expiry. It prints the
// median ratio of five pairs with its range, and the processor time of a read, both
// sides together; it fails when a server counts other reads than its clients.
//
//	go test -run '^$' -bench Token -benchtime 1x ./daemon/api
func BenchmarkToken(b *testing.B) {
	during := 2 * time.Second
	if d, err := time.ParseDuration(os.Getenv("WEBEX_TOKEND_DURING")); err == nil {
		during = d
	}
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			ours, bare := storedToken(b), constantToken(b)
			ours.read(b, clients, during/10) // warms both
			bare.read(b, clients, during/10)
			for b.Loop() {
				var rates, micros [2][]float64
				var ratios []float64
				for range 5 {
					for i, s := range []*tokenServer{bare, ours} {
						rate, micro := s.read(b, clients, during)
						rates[i], micros[i] = append(rates[i], rate), append(micros[i], micro)
					}
					last := len(ratios)
					ratios = append(ratios, rates[1][last]/rates[0][last])
				}
				b.ReportMetric(middle(rates[0]), "bare/s")
				b.ReportMetric(middle(rates[1]), "reads/s")
				b.ReportMetric(middle(micros[0]), "cpu-µs/bare")
				b.ReportMetric(middle(micros[1]), "cpu-µs/read")
				b.ReportMetric(middle(ratios), "ratio")
				b.ReportMetric(slices.Min(ratios), "ratio-min")
				b.ReportMetric(slices.Max(ratios), "ratio-max")
			}
		})
	}
}

// A tokenServer counts what it answers.
type tokenServer struct {
	socket   string
	answered *atomic.Int64
}

// storedToken is the API as in the daemon, its log in a file.
func storedToken(b *testing.B) *tokenServer {
	s := &tokenServer{answered: new(atomic.Int64)}
	h := begin(b, func(cfg *api.Config) {
		out, err := os.Create(filepath.Join(b.TempDir(), "log"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { out.Close() })
		rules := acl.New(acl.Config{})
		cfg.Rules = func() *acl.Rules { return rules }
		cfg.Log = hclog.New(&hclog.LoggerOptions{Output: out, Level: hclog.Info})
		cfg.Handed = func(string, acl.Peer, uint64) { s.answered.Add(1) }
	})
	h.register(b, "ops", "NjlhNThmODctMzE5Yy00MTU3")
	s.socket = h.socket
	return s
}

func constantToken(b *testing.B) *tokenServer {
	s := &tokenServer{socket: filepath.Join(b.TempDir(), "s"), answered: new(atomic.Int64)}
	answer := []byte(response("NjlhNThmODctMzE5Yy00MTU3", ""))
	l, err := net.Listen("unix", s.socket)
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		s.answered.Add(1)
		_, _ = w.Write(answer)
	})}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(l) })
	b.Cleanup(func() { server.Close(); served.Wait() })
	return s
}

// read lets clients read, each over one connection, and returns how many reads there
// were in a second and what one cost in processor time.
func (s *tokenServer) read(b *testing.B, clients int, during time.Duration) (perSecond, micros float64) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", s.socket)
	}}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	before, used, begin := s.answered.Load(), processorTime(b), time.Now()
	var done atomic.Int64
	var readers sync.WaitGroup
	for range clients {
		readers.Go(func() {
			for time.Since(begin) < during {
				resp, err := c.Get("http://host/v1/grants/ops/token")
				if err != nil {
					b.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					b.Error(resp.Status)
					return
				}
				done.Add(1)
			}
		})
	}
	readers.Wait()
	took, used := time.Since(begin), processorTime(b)-used
	if answered := s.answered.Load() - before; answered != done.Load() {
		b.Errorf("the server answered %d reads, its clients counted %d", answered, done.Load())
	}
	n := float64(max(done.Load(), 1))
	return n / took.Seconds(), float64(used.Microseconds()) / n
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
