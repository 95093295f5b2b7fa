package api_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/api"
	"webex-tokend/store"
)

// BenchmarkToken reads a token over a kept-alive unix socket, beside a bare
// net/http server that answers a constant of the same length. Their ratio is
// what the product adds: gate, log line, store and expiry. Run both at once:
//
//	go test -run '^$' -bench Token -cpu 2 ./daemon/api
func BenchmarkToken(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		answer := []byte(response("NjlhNThmODctMzE5Yy00MTU3", ""))
		path := filepath.Join(b.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			b.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{"application/json"}
			_, _ = w.Write(answer)
		})}
		var served sync.WaitGroup
		served.Go(func() { _ = server.Serve(l) })
		b.Cleanup(func() { server.Close(); served.Wait() })
		read(b, &host{socket: path})
	})
	b.Run("routed", func(b *testing.B) {
		k := &tokens{}
		k.current.Access, k.current.Type, k.current.Scope = store.NewSecret("NjlhNThmODctMzE5Yy00MTU3"), "Bearer", "spark:all"
		_, socket := serve(b, api.Config{Grants: api.Grants{Refresher: k}})
		read(b, &host{socket: socket})
	})
	b.Run("stored", func(b *testing.B) {
		h := begin(b, func(cfg *api.Config) {
			out, err := os.Create(filepath.Join(b.TempDir(), "log"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { out.Close() })
			rules := acl.New(acl.Config{})
			cfg.Rules = func() *acl.Rules { return rules }
			cfg.Log = hclog.New(&hclog.LoggerOptions{Output: out, Level: hclog.Info})
		})
		h.register(b, "ops", "NjlhNThmODctMzE5Yy00MTU3")
		read(b, h)
	})
}

func read(b *testing.B, h *host) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", h.socket)
	}}
	defer transport.CloseIdleConnections()
	c := &http.Client{Transport: transport}
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := c.Get("http://host/v1/grants/ops/token")
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Fatal(resp.Status)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}
