package sweep

import (
	"context"
	"math/rand/v2"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// heldUpFor is how far ahead a grant without a live token may be due because of a
// pause of its own, beside the least interval of its integration.
const heldUpFor = 15 * time.Minute

// scouts is from how many grants one is chosen.
const scouts = 64

// scout chooses a grant that finds out whether an endpoint is back for which nothing
// is due; nil: all grants have live tokens. It is another one each time, since one
// may be held up for a reason of its own.
func (w *Sweeper) scout(ctx context.Context, cfg *config.Config, in *config.Integration, now time.Time) []store.DueGrant {
	list := w.heldUp(ctx, cfg, in, now, scouts)
	if len(list) == 0 {
		return nil
	}
	n := rand.N(len(list))
	return list[n : n+1]
}

// heldUp lists up to limit grants of an integration that pause without a live
// token. Whether their record says that the endpoint is at fault is asked at the
// gate of the refresh.
func (w *Sweeper) heldUp(ctx context.Context, cfg *config.Config, in *config.Integration, now time.Time, limit int) (list []store.DueGrant) {
	after := &store.DueGrant{DueAt: now.Add(time.Millisecond)}
	for len(list) < limit {
		found, err := w.cfg.Store.Due(ctx, in.Name, now.Add(heldUpFor+in.MinInterval), after, page)
		if err != nil {
			w.cfg.Log.Error("sweep failed", "integration", in.Name, "error", err)
			return list
		}
		for _, g := range found {
			if now.Before(g.AccessExpires) || !cfg.Declared(g.Name) || len(list) == limit {
				continue
			}
			if idle, _ := w.idle(g.Name, now); idle {
				list = append(list, g)
			}
		}
		if len(found) < page {
			break
		}
		after = &found[len(found)-1]
	}
	return list
}
