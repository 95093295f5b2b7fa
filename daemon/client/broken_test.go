package client_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"webex-tokend/daemon/client"
)

// A daemon that was killed while it answered showed as "EOF".
func TestADaemonThatEndsWhileAnsweringIsNamedSo(t *testing.T) {
	for _, c := range []struct{ name, says string }{
		{"before the answer", ""},
		{"in its header", "HTTP/1.1 200 OK\r\n"},
		{"in its body", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"name\":"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = http.ReadRequest(bufio.NewReader(conn))
					_, _ = conn.Write([]byte(c.says))
					conn.Close()
				}
			}()
			daemon := client.New(client.Config{Socket: path})
			defer daemon.Close()
			_, err = daemon.Refresh(t.Context(), "ops")
			if ended, ok := errors.AsType[*client.EndedError](err); !ok || ended.Grant != "ops" {
				t.Errorf("it fails with %v", err)
			}
		})
	}
}
