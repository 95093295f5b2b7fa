package acl

import (
	"net"
	"path/filepath"
	"testing"
)

// BenchmarkIdentify is what each connection costs before its first request.
func BenchmarkIdentify(b *testing.B) {
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Identify(conn.(*net.UnixConn)); err != nil {
			b.Fatal(err)
		}
	}
}
