package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkProcess runs webex-token as scripts do, in turns with a Go program that
// does nothing, and compares the processor time of both processes by the median of
// 100 turns: wall time is noise on a shared machine. It fails when a call prints
// anything but the token.
//
//	go test -run '^$' -bench Process -benchtime 1x ./cmd/webex-token
func BenchmarkProcess(b *testing.B) {
	folder := b.TempDir()
	build := func(name, source string) string {
		path := filepath.Join(folder, name)
		c := exec.Command("go", "build", "-o", path, source)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			b.Fatalf("%s%v", out, err)
		}
		return path
	}
	nothing := filepath.Join(folder, "nothing.go")
	if err := os.WriteFile(nothing, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	empty, quick := build("nothing", nothing), build("webex-token", ".")
	socket := filepath.Join(folder, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntoken"))
			conn.Close()
		}
	}()
	cost := func(want string, program string, args ...string) time.Duration {
		c := exec.Command(program, args...)
		if out, err := c.Output(); err != nil || string(out) != want {
			b.Fatalf("it printed %q, %v", out, err)
		}
		return c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	for b.Loop() {
		var bare, own []time.Duration
		for range 100 {
			bare = append(bare, cost("", empty))
			own = append(own, cost("token\n", quick, "token", "ops", "--socket", socket))
		}
		slices.Sort(bare)
		slices.Sort(own)
		less, more := bare[len(bare)/2], own[len(own)/2]
		b.ReportMetric(float64(less.Microseconds()), "cpu-µs/empty")
		b.ReportMetric(float64(more.Microseconds()), "cpu-µs/token")
		b.ReportMetric(float64(more)/float64(less), "ratio")
	}
}
