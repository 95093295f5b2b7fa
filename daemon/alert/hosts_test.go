package alert_test

import (
	"slices"
	"testing"
	"time"

	"webex-tokend/daemon/wire"
)

// says fails unless the pager got exactly these since the last time, in their order
// by the alphabet.
func (h *host) says(want ...string) {
	h.t.Helper()
	var got []string
	for _, m := range h.messages() {
		got = append(got, string(m.Kind)+" "+m.Severity+" "+m.Text)
	}
	slices.Sort(got)
	h.compare(got, want)
}

func TestTroublesOfHostsThatShareAStoreAreTold(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		since := time.Now()
		all := wire.Status{Hosts: []wire.Host{{Name: "int-1", Office: true, Since: &since}, {Name: "int-2", Since: &since}, {Name: "int-3", Since: &since}}}
		h.hosts.Store(&all)
		h.looks(3 * time.Minute)
		h.says()

		restarts := wire.Status{Hosts: []wire.Host{all.Hosts[0], {Name: "int-2"}, all.Hosts[2]}}
		h.hosts.Store(&restarts)
		h.looks(50 * time.Second)
		h.hosts.Store(&all)
		h.looks(5 * time.Minute)
		h.says() // it was only restarted

		h.hosts.Store(&restarts)
		h.looks(2 * time.Minute)
		h.says("host warning host int-2 is away")
		both := wire.Status{Hosts: []wire.Host{all.Hosts[0], {Name: "int-2"}, {Name: "int-3", Since: &since, Rules: "other"}}, HostsWarning: "etcd uses 61 % of its quota"}
		h.hosts.Store(&both)
		h.looks(2 * time.Minute)
		h.says("etcd warning etcd uses 61 % of its quota", "host warning host int-3 has other rules than the fleet")
		h.restart() // what was told stays told
		h.looks(2 * time.Minute)
		h.says()
		h.hosts.Store(&all)
		h.looks(20 * time.Minute)
		h.says("etcd warning over: etcd has room again", "host warning over: host int-2 is as it should be again", "host warning over: host int-3 is as it should be again")
	})
}

// A host that is cut off from etcd told of tokens that the one in office had
// refreshed since.
func TestWhoIsNotInOfficeTellsOfHostsAlone(t *testing.T) {
	inBubble(t, calm, func(t *testing.T, h *host) {
		h.register("rest-1")
		h.live(8*day, time.Hour)
		h.says()
		h.resting.Store(true)
		h.hosts.Store(&wire.Status{HostsFault: "etcd is away: no answer"})
		h.looks(2 * time.Minute)
		h.says("hosts critical no host refreshes: etcd is away: no answer")
		time.Sleep(80 * day) // by its own copy all has expired
		h.looks(5 * time.Minute)
		h.says()
		h.resting.Store(false)
		h.looks(5 * time.Minute)
		if len(h.messages()) == 0 {
			t.Error("in office it is not told either")
		}
	})
}
