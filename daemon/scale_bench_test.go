package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/emulator"
)

// A process is the real binary with many grants, seen from outside.
type process struct {
	binary, dir, config string
	webex               *emulator.Emulator
	server              *httptest.Server
	running             *exec.Cmd
	ready               *net.UnixConn
	client              *client.Client
	filled              time.Time
}

// BenchmarkScale fills a daemon with grants and looks at it from outside.
// Bounds at a million: ready 200 ms after the start of the process; private
// memory 64 MiB at rest and 192 MiB in a storm of 256 in flight; 20 ms for the
// status summary and for the 50 most urgent.
//
//	go test -run '^$' -bench Scale -benchtime 1x ./daemon
//	WEBEX_TOKEND_GRANTS=1000000 go test -run '^$' -bench Scale -benchtime 1x -timeout 1h ./daemon
func BenchmarkScale(b *testing.B) {
	grants := 100_000
	if n, err := strconv.Atoi(os.Getenv("WEBEX_TOKEND_GRANTS")); err == nil {
		grants = n
	}
	b.Run(fmt.Sprintf("grants=%d", grants), func(b *testing.B) {
		p := newProcess(b)
		p.start(b)
		p.fill(b, grants)
		p.stop(b)
		for b.Loop() {
			b.ReportMetric(p.bareStart(b), "bare-start-ms")
			b.ReportMetric(p.start(b), "ready-ms")
			p.settle(b)
			b.ReportMetric(p.rssAnon(b), "rest-MiB")
			b.ReportMetric(median(b, func() error { _, err := p.client.Status(b.Context()); return err }), "summary-ms")
			b.ReportMetric(median(b, func() error {
				_, err := p.client.Grants(b.Context(), client.Query{Limit: 50})
				return err
			}), "urgent50-ms")
			p.storm(b)
			p.stop(b)
		}
	})
}

func newProcess(b *testing.B) *process {
	p := &process{dir: b.TempDir()}
	p.binary = filepath.Join(p.dir, "webex-tokend")
	build := exec.Command("go", "build", "-o", p.binary, "webex-tokend/cmd/webex-tokend")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	p.webex = emulator.New(emulator.Config{Calm: true, KeepCalls: -1, AccessSize: 770, AccessLife: 100 * time.Minute, Latency: 150 * time.Millisecond})
	p.server = httptest.NewServer(p.webex)
	b.Cleanup(p.server.Close)
	p.config = filepath.Join(p.dir, "config.hcl")
	if err := os.WriteFile(filepath.Join(p.dir, "secret"), []byte(p.webex.Client(emulator.REST).Secret), 0o600); err != nil {
		b.Fatal(err)
	}
	p.configure(b, "50%")
	if out, err := exec.Command(p.binary, "key", "init", filepath.Join(p.dir, "store.key")).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	address := &net.UnixAddr{Name: filepath.Join(p.dir, "notify"), Net: "unixgram"}
	var err error
	if p.ready, err = net.ListenUnixgram("unixgram", address); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.ready.Close() })
	p.client = client.New(client.Config{Socket: filepath.Join(p.dir, "run", "api.sock")})
	b.Cleanup(p.client.Close)
	return p
}

func (p *process) configure(b *testing.B, at string) {
	text := fmt.Sprintf(`
state_dir   = "%[1]s/state"
runtime_dir = "%[1]s/run"
log_level   = "warn"
seal {
  key_file = "%[1]s/store.key"
}
integration "rest" {
  kind               = "rest"
  client_id          = %[2]q
  client_secret_file = "%[1]s/secret"
  token_url          = %[3]q
  concurrency        = %[4]d
}
grant "tenant-*" {
  integration = "rest"
  refresh {
    at = %[5]q
  }
}
`, p.dir, p.webex.Client(emulator.REST).ID, p.server.URL+emulator.TokenPath, inFlight, at)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// start runs the daemon and returns the milliseconds until READY.
func (p *process) start(b *testing.B) float64 {
	p.running = exec.Command(p.binary, "run", "--config", p.config)
	p.running.Env = append(os.Environ(), "NOTIFY_SOCKET="+p.ready.LocalAddr().String(), "GOMEMLIMIT=384MiB")
	p.running.Stderr = os.Stderr
	begin := time.Now()
	if err := p.running.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.running.Process.Kill() })
	message := make([]byte, 4096)
	if err := p.ready.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		b.Fatal(err)
	}
	for {
		n, err := p.ready.Read(message)
		if err != nil {
			b.Fatal(err)
		}
		if strings.HasPrefix(string(message[:n]), "READY=1") {
			return milliseconds(time.Since(begin))
		}
	}
}

// bareStart is what a process that does nothing takes.
func (p *process) bareStart(b *testing.B) float64 {
	return median(b, func() error { return exec.Command(p.binary, "version").Run() })
}

func (p *process) stop(b *testing.B) {
	if err := p.running.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := p.running.Wait(); err != nil {
		b.Error(err)
	}
}

func (p *process) fill(b *testing.B, grants int) {
	lines, w := io.Pipe()
	go func() {
		for line := range p.webex.IssueMany(emulator.REST, grants, func(i int) string { return fmt.Sprintf("tenant-%07d", i) }) {
			if _, err := w.Write(append(bytes.TrimSpace(line), '\n')); err != nil {
				return
			}
		}
		w.Close()
	}()
	n := 0
	for answer, err := range p.client.ImportLines(b.Context(), lines) {
		if err != nil || answer.Error != "" {
			b.Fatal(err, answer.Error)
		}
		n++
	}
	if n != grants {
		b.Fatalf("%d of %d grants were imported", n, grants)
	}
	p.filled = time.Now()
}

// settle waits until the grants are counted.
func (p *process) settle(b *testing.B) {
	for {
		s, err := p.client.Status(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if !s.Counting {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(3 * time.Second)
}

// storm makes everything due at once by a reload, as soon as a hundredth of the
// tokens' life has passed, and watches for 15 seconds.
func (p *process) storm(b *testing.B) {
	time.Sleep(time.Until(p.filled.Add(70 * time.Second)))
	p.configure(b, "1%")
	if err := p.client.Reload(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 15*time.Second)
	defer cancel()
	peak, before := 0.0, p.webex.Stats().Refreshes
	for ctx.Err() == nil {
		peak = max(peak, p.rssAnon(b))
		time.Sleep(100 * time.Millisecond)
	}
	b.ReportMetric(peak, "storm-MiB")
	b.ReportMetric(float64(p.webex.Stats().Refreshes-before)/15, "storm-refreshes/s")
	p.configure(b, "50%")
}

func (p *process) rssAnon(b *testing.B) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.running.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) / 1024
		}
	}
	b.Fatal("no RssAnon")
	return 0
}

// median is the middle of 21 calls, in milliseconds.
func median(b *testing.B, call func() error) float64 {
	took := make([]float64, 21)
	for i := range took {
		begin := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		took[i] = milliseconds(time.Since(begin))
	}
	slices.Sort(took)
	return took[len(took)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
