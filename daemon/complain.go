package daemon

import (
	"context"
	"fmt"
	"time"

	"webex-tokend/daemon/boottime"
	"webex-tokend/daemon/duration"
	"webex-tokend/daemon/event"
	"webex-tokend/daemon/office"
)

// begin notes that a term in office begins.
func (x *cluster) begin() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.term = boottime.Now()
}

// lookForComplaints notes, in office, what keeps this host from refreshing.
func (x *cluster) lookForComplaints() {
	var wrong []string
	for _, url := range x.d.fleet.Endpoints.Broken() {
		wrong = append(wrong, url+" does not answer")
	}
	for integration := range x.d.fleet.Circuits.Refusals() {
		wrong = append(wrong, fmt.Sprintf("the client of integration %s is refused", integration))
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.complaints.Look(wrong, x.term, boottime.Now())
}

func (x *cluster) complains() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.complaints.List(boottime.Now())
}

// outdone says what this host cannot refresh and another one perhaps can.
func (x *cluster) outdone() string {
	complaints := x.complains()
	if len(complaints) == 0 {
		return ""
	}
	p, known := x.present()
	if !known {
		return ""
	}
	for _, other := range x.alike(p, rulesHash(x.d.current.Load())) {
		if office.FaresBetter(other.Complaints, complaints) {
			return complaints[0] + " on this host"
		}
	}
	return ""
}

// acting reports whether this host does what happens by itself.
func (x *cluster) acting() bool { return x == nil || x.office.MayAct() }

// alert has the host in office tell people what needs them, until another one is
// in office: when etcd is lost for all, nobody is, and somebody must say so.
func (x *cluster) alert(ctx context.Context) {
	for duration.Wait(ctx, time.Second) {
		if !x.office.MayAct() {
			continue
		}
		telling, end := context.WithCancel(ctx)
		events := x.d.events.Subscribe(event.Latest)
		x.d.tasks.Go(func() {
			defer end()
			for duration.Wait(telling, time.Second) {
				if p, known := x.present(); known && !x.office.MayAct() && p.Lead != "" && p.Lead != x.engine.Member() {
					return
				}
			}
		})
		x.d.alerts.Run(telling, events)
		end()
	}
}
