package web_test

import (
	"testing"
	"time"

	"webex-tokend/daemon/wire"
)

const sharedStore = `
store {
  engine = "etcd"
  host   = "int-2"
  etcd {
    endpoints = ["http://127.0.0.1:2379"]
    prefix    = "test/"
  }
}
`

func TestThePageOfAHostSaysWhichItIsAndHowOthersFare(t *testing.T) {
	since := time.Now()
	h := beginWith(t, sharedStore, wire.Status{Hosts: []wire.Host{
		{Name: "int-1", Since: &since, Office: true}, {Name: "int-2", Since: &since}, {Name: "int-3"}}})
	v := h.as(t, 0)
	v.get("/ui/").says(t, 200, "int-1 in office, int-2, int-3 away", "This page is that of int-2", "host int-3 is away")
	v.get("/ui/grants/ops/authorize").says(t, 200, "finished on the host where it begins, which is int-2")
}

// A balancer in front of several hosts led the browser back to another one.
func TestAConsentThatComesBackToAnotherHostSaysWhereItIsFinished(t *testing.T) {
	h := beginWith(t, sharedStore, wire.Status{})
	v := h.stranger(t)
	v.land(t, "/oauth?code=abc&state=of-another-host").says(t, 410, "another host than int-2")
}
