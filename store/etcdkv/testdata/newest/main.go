// Newest is the newest etcd server, to run the tests of package etcdkv against.
// It is a module of its own, since the daemon needs the client alone:
//
//	go build -C store/etcdkv/testdata/newest -o /tmp/etcd .
//	WEBEX_TOKEND_ETCD=/tmp/etcd go test ./store/etcdkv
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
