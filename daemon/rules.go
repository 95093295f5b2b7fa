package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

// rulesBlob holds the rules that the fleet goes by, where hosts share a store.
const rulesBlob = "rules"

type fleetRules struct {
	Epoch uint64 `json:"epoch"` // raised whenever a host in office brings others
	Hash  string `json:"hash"`
}

// rulesHash stands for what must be alike on all hosts: integrations, grants, how
// they are refreshed, and limits. What is of one host is not in it: outputs,
// hooks, access, sockets, pages, and where its secrets are.
func rulesHash(c *config.Config) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(c.Integrations)) {
		in := c.Integrations[name]
		fmt.Fprintf(h, "%q %q %q %q %q %q %q %v %v %v %v %v %v %q %q\n", in.Name, in.Kind, in.ClientID, in.TokenURL, in.RevokeURL, in.APIURL,
			in.Scopes, in.AuthStyle, in.Rotates, in.AccessLife, in.RefreshLife, in.MinInterval, in.Concurrency, in.Manager, in.Site)
	}
	for _, g := range c.Grants {
		fmt.Fprintf(h, "%q %q %v %v %q\n", g.Name, g.Integration, g.Refresh.Fraction, g.Refresh.Before, g.Refresh.CalendarSpec)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// claimRules makes the rules of this host, which is in office, those of the fleet.
func (x *cluster) claimRules(ctx context.Context) error {
	kept := x.d.vault.Store()
	for {
		blob, err := kept.Blob(ctx, rulesBlob)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("read rules of the fleet: %w", err)
		}
		var fleet fleetRules
		if err == nil && json.Unmarshal(blob.Value, &fleet) != nil {
			fleet = fleetRules{}
		}
		own := rulesHash(x.d.current.Load())
		if fleet.Hash == own {
			return nil
		}
		value, err := json.Marshal(fleetRules{fleet.Epoch + 1, own})
		if err != nil {
			return fmt.Errorf("encode rules of the fleet: %w", err)
		}
		_, err = kept.SwapBlob(ctx, rulesBlob, blob.Revision, value)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err == nil {
			x.d.log.Info("the rules of this host are those of the fleet from now on", "epoch", fleet.Epoch+1)
		}
		return err
	}
}
