package crash_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

// The other process waits that long for a store before it ends as in a crash:
// without a stop. One that is sick or replaced refuses an answer for ever.
const (
	heldTooLong     = time.Minute
	heldTooLongSick = 2 * time.Second
)

// refreshOnce is a process that starts as the daemon does, up to open intents
// and outputs, registers the grant ops, refreshes it once, publishes, and ends.
// How says where it dies instead, and before that, with commas, what is wrong:
//
//	hasty     outcomes are acknowledged before they are stored
//	sick      the disk refuses outcomes
//	no spool  there is none
//	replaced  another file takes the place of the store
func refreshOnce(dir, how string) error {
	cfg, err := configfile.Load(filepath.Join(dir, "config.hcl"), configfile.Options{})
	if err != nil {
		return err
	}
	key, _, err := seal.ReadKey(cfg.Seal.KeyFile)
	if err != nil {
		return err
	}
	backend, err := boltkv.Open(boltkv.Config{Path: filepath.Join(cfg.StateDir, "store.db")})
	if err != nil {
		return err
	}
	trap, held := new(trap), heldTooLong
	var kv store.KV = backend
	spool := filepath.Join(cfg.RuntimeDir, "spool")
	for word := range strings.SplitSeq(how, ", ") {
		switch word {
		case "hasty":
			kv = &hastyKV{KV: kv}
		case "sick":
			trap.sick, held = true, heldTooLongSick
		case "no spool":
			spool = ""
		case "replaced":
			held = heldTooLongSick
		default:
			trap.at = point(word)
		}
	}
	kv = trappedKV{kv, trap}
	ctx := context.Background()
	ring, err := seal.Open(ctx, kv, key)
	if err != nil {
		return err
	}
	kept, err := store.Open(ctx, kv, store.Config{Seal: ring})
	if err != nil {
		return err
	}
	way := func(*config.Integration) (http.RoundTripper, error) {
		return trappedWay{&http.Transport{DisableKeepAlives: true}, trap}, nil
	}
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: os.Stderr})
	k := fleet.New(fleet.Config{Store: kept, Config: cfg, Provider: provider.New(provider.Config{Transport: way}), Spool: spool, Log: log})
	if err := k.Start(ctx); err != nil {
		return err
	}
	if err := k.Sweeper.Idle(ctx); err != nil {
		return err
	}
	if err := registerOps(ctx, k, dir); err != nil {
		return err
	}
	if err := orderRefresh(ctx, k, held); err != nil {
		return err
	}
	if err := publishOps(ctx, k, cfg); err != nil {
		return err
	}
	return errors.Join(k.Stop(ctx), kept.Close())
}

// registerOps does nothing when the tokens are known already.
func registerOps(ctx context.Context, k *fleet.Fleet, dir string) error {
	response, err := os.ReadFile(filepath.Join(dir, "response.json"))
	if err != nil {
		return err
	}
	parsed, err := tokenfile.Parse(response, "auto")
	if err != nil {
		return err
	}
	_, err = k.Registry.Register(ctx, "ops", registry.Registration{Answer: parsed.Answer})
	return err
}

func orderRefresh(ctx context.Context, k *fleet.Fleet, held time.Duration) error {
	ordered := make(chan error, 1)
	go func() {
		err := k.Refresher.Refresh(ctx, "ops")
		ordered <- err
	}()
	select {
	case err := <-ordered:
		return err
	case <-time.After(held):
		return fmt.Errorf("not stored within %v", held)
	}
}

func publishOps(ctx context.Context, k *fleet.Fleet, cfg *config.Config) error {
	p := publish.New(publish.Config{Config: cfg, Current: k.Refresher.Current, Published: k.Registry.Published,
		Unpublished: k.Registry.Unpublished, Registered: k.Registry.Registered})
	running, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- p.Run(running) }()
	p.Publish("ops")
	err := p.Idle(ctx)
	end()
	<-ended
	return err
}
