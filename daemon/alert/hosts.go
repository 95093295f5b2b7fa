package alert

import (
	"maps"
	"time"

	"webex-tokend/daemon/report"
	"webex-tokend/daemon/verdict"
)

// hostsFor is how long something is wrong with hosts that share a store when that
// is trouble: a restart of one, or of a member of etcd, takes less.
const hostsFor = time.Minute

// lookAtHosts looks at those that share the store. What is told of one is over when
// nothing is wrong with it any more.
func (a *Alerts) lookAtHosts(v view, t report.Trouble) {
	here := make(map[string]bool)
	for _, trouble := range t.Hosts {
		k, subject := Host, trouble.Host
		switch {
		case trouble.Host == "" && trouble.Level == verdict.Critical:
			k = Hosts
		case trouble.Host == "":
			k = Etcd
		}
		key := keyOf(k, subject)
		here[key] = true
		since, known := a.last.hosts[key]
		if !known || since.After(v.now) {
			since = v.now
			a.last.hosts[key] = since
		}
		if v.now.Sub(since) >= hostsFor {
			a.note(v, k, subject, finding{holds: true, about: about{Reason: trouble.Text, Action: trouble.Action}})
		}
	}
	maps.DeleteFunc(a.last.hosts, func(key string, _ time.Time) bool { return !here[key] })
	for e := range a.book.all() {
		if e.kind.ofHosts() && !here[e.key()] {
			a.note(v, e.kind, e.subject, finding{about: e.about})
		}
	}
}
