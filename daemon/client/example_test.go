package client_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"golang.org/x/oauth2"

	"webex-tokend/daemon/client"
)

// pretend serves a daemon whose grant "ops" has a token, on a socket.
func pretend() (socket string, end func()) {
	dir, err := os.MkdirTemp("", "client")
	if err != nil {
		panic(err)
	}
	socket = filepath.Join(dir, "api.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/grants/ops/token" {
			fmt.Fprint(w, `{"access_token":"Zm9v","token_type":"Bearer","expires_at":"2126-11-22T03:00:00Z","generation":7}`)
		}
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	return socket, func() {
		server.Close()
		_ = os.RemoveAll(dir)
	}
}

// A program that calls the API with a token that is always in force. The HTTP
// client puts the header on each request by itself.
func ExampleClient_TokenSource() {
	socket, end := pretend()
	defer end()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, "with", r.Header.Get("Authorization"))
	}))
	defer api.Close()

	daemon := client.New(client.Config{Socket: socket}) // no Config: that of the packaged unit
	defer daemon.Close()
	webex := oauth2.NewClient(context.Background(), daemon.TokenSource(context.Background(), "ops"))

	resp, err := webex.Get(api.URL + "/v1/people/me")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output: GET /v1/people/me with Bearer Zm9v
}

// A program that has to be told of each new token.
func ExampleClient_Watch() {
	socket, end := pretend()
	defer end()
	daemon := client.New(client.Config{Socket: socket})
	defer daemon.Close()
	for token, err := range daemon.Watch(context.Background(), "ops") {
		if err != nil {
			fmt.Println("no token for now:", err)
			continue
		}
		fmt.Println("generation", token.Generation)
		break // a real program stays
	}
	// Output: generation 7
}
