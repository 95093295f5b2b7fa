package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"webex-tokend/daemon/client"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/wire"
	"webex-tokend/store"
)

// refused says which clients of a configuration are refused, as the running
// daemon finds, and where that is fixed. A configuration can be without fault
// and its client unknown all the same. Nobody needs a daemon to check a file: one
// that does not answer has nothing to say.
func (c *console) refused(ctx context.Context, cfg *config.Config) (list []string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	daemon := c.daemon()
	defer daemon.Close()
	told := make(map[string]bool)
	for g, err := range daemon.AllGrants(ctx, client.Query{States: []string{string(store.Misconfigured)}}) {
		in := cfg.Integrations[g.Integration]
		if err != nil {
			break
		}
		if in == nil || told[in.Name] {
			continue
		}
		told[in.Name] = true
		list = append(list, refusal(in, g))
	}
	return list
}

// refusal is one text of refused. The grant is any of the integration.
func refusal(in *config.Integration, g wire.Grant) string {
	why := words(g.Reason)
	if g.LastError != nil && g.LastError.Code == g.Reason {
		why = errorLine(g.LastError)
	}
	since := ""
	if g.Since != nil {
		since = " since " + minute(*g.Since)
	}
	places := []string{"client_id"}
	for _, s := range in.Secrets {
		places = append(places, cmp.Or(s.Path, "the credential "+s.Credential))
	}
	return fmt.Sprintf("integration %s: its client is refused%s (%s); fix %s", in.Name, since, why, strings.Join(places, ", or the secret in "))
}
