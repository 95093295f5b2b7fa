package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/emulator"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/provider"
	"webex-tokend/daemon/registry"
	"webex-tokend/daemon/tokenfile"
	"webex-tokend/store"
	"webex-tokend/store/boltkv"
	"webex-tokend/store/seal"
)

// A damaging is one run of the other process over many damaged copies of one
// store. It is passed as JSON.
type damaging struct {
	From, To int  // numbers of damages; each follows from its number
	Unsealed bool // what sealing protects from must be seen without it
}

// hung is how long a damaged store may take.
const hung = 10 * time.Second

// openKeeper opens the store of a folder and starts a keeper on it that has
// nothing to send.
func openKeeper(ctx context.Context, dir string, unsealed bool) (*fleet.Fleet, func() error, error) {
	cfg, err := configfile.Load(filepath.Join(dir, "config.hcl"), configfile.Options{})
	if err != nil {
		return nil, nil, err
	}
	kv, err := boltkv.Open(boltkv.Config{Path: filepath.Join(cfg.StateDir, "store.db")})
	if err != nil {
		return nil, nil, err
	}
	var sealer store.Sealer
	if !unsealed {
		key, _, err := seal.ReadKey(cfg.Seal.KeyFile)
		if err != nil {
			return nil, nil, errors.Join(err, kv.Close())
		}
		ring, err := seal.Open(ctx, kv, key)
		if err != nil {
			return nil, nil, errors.Join(err, kv.Close())
		}
		sealer = ring
	}
	kept, err := store.Open(ctx, kv, store.Config{Seal: sealer})
	if err != nil {
		return nil, nil, errors.Join(err, kv.Close())
	}
	k := fleet.New(fleet.Config{Store: kept, Config: cfg, Provider: provider.New(provider.Config{})})
	end := func() error { return errors.Join(k.Stop(ctx), kept.Close()) }
	if err := k.Start(ctx); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return k, end, nil
}

// examineDamages opens one damaged copy after the other, asks for every token
// and compares it with what was stored. It tells its progress, so that the
// parent knows at which one it died.
func examineDamages(dir, how string) error {
	var d damaging
	if err := json.Unmarshal([]byte(how), &d); err != nil {
		return err
	}
	whole, err := os.ReadFile(filepath.Join(dir, "whole.db"))
	if err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(dir, "tokens.json"))
	if err != nil {
		return err
	}
	var tokens map[string]string
	if err := json.Unmarshal(list, &tokens); err != nil {
		return err
	}
	for n := d.From; n < d.To; n++ {
		fmt.Println("damage", n)
		if err := os.WriteFile(filepath.Join(dir, "state", "store.db"), damaged(whole, n), 0o600); err != nil {
			return err
		}
		alarm := time.AfterFunc(hung, func() {
			fmt.Println("hangs", n)
			debug.SetTraceback("all")
			panic("it hangs")
		})
		served := examineOne(dir, n, d.Unsealed, tokens)
		alarm.Stop()
		fmt.Println("served", served)
	}
	return nil
}

func examineOne(dir string, n int, unsealed bool, tokens map[string]string) (served int) {
	ctx := context.Background()
	k, end, err := openKeeper(ctx, dir, unsealed)
	if err != nil {
		return 0
	}
	for name, want := range tokens {
		current, err := k.Refresher.Token(ctx, name, 0)
		switch {
		case err != nil:
		case current.Access.Reveal() == want:
			served++
		default:
			fmt.Println("wrong", n, name)
		}
	}
	_ = end() // what it could not do follows from the damage
	return served
}

// damaged flips a bit, clears a page or cuts the file short.
func damaged(whole []byte, n int) []byte {
	const page = 4096
	r := rand.New(rand.NewPCG(uint64(n), 1))
	b := append([]byte(nil), whole...)
	switch at := r.IntN(len(b)); {
	case n%10 == 8:
		clear(b[at/page*page:][:page])
	case n%10 == 9:
		b = b[:at]
	default:
		b[at] ^= 1 << r.IntN(8)
	}
	return b
}

// prepareDamage stores a few grants and keeps the file and the tokens aside.
func (h *host) prepareDamage(unsealed bool) {
	h.t.Helper()
	ctx := h.t.Context()
	k, end, err := openKeeper(ctx, h.dir, unsealed)
	if err != nil {
		h.t.Fatal(err)
	}
	tokens := make(map[string]string)
	for i := range fleetSize {
		name := fmt.Sprintf("ops-%d", i)
		issued := h.webex.Issue(emulator.REST, emulator.Consent{})
		parsed, err := tokenfile.Parse(issued.Response, "auto")
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := k.Registry.Register(ctx, name, registry.Registration{Answer: parsed.Answer}); err != nil {
			h.t.Fatal(err)
		}
		tokens[name] = issued.AccessToken
	}
	if err := end(); err != nil {
		h.t.Fatal(err)
	}
	content, err := json.Marshal(tokens)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write("tokens.json", string(content))
	whole, err := os.ReadFile(filepath.Join(h.dir, "state", "store.db"))
	if err != nil {
		h.t.Fatal(err)
	}
	h.write("whole.db", string(whole))
}

// A verdict counts what many damages did.
type verdict struct{ refused, partly, well, wrong, crashed, hung int }

func (h *host) judgeDamages(n int, unsealed bool) (v verdict) {
	h.t.Helper()
	h.prepareDamage(unsealed)
	for from := 0; from < n; {
		how, err := json.Marshal(damaging{from, n, unsealed})
		if err != nil {
			h.t.Fatal(err)
		}
		p := h.start("examine", string(how))
		_, code := p.wait()
		for _, served := range p.says("served") {
			switch served {
			case "0":
				v.refused++
			case fmt.Sprint(fleetSize):
				v.well++
			default:
				v.partly++
			}
		}
		v.wrong += len(p.says("wrong"))
		begun := p.says("damage")
		from += len(begun)
		switch {
		case code == 0:
		case len(p.says("hangs")) > 0:
			v.hung++
			h.t.Logf("damage %s: %s", begun[len(begun)-1], p.err.String())
		case len(begun) == 0:
			h.t.Fatalf("the examination does not begin: %s", p.err.String())
		default:
			v.crashed++
			h.t.Logf("damage %s: %.600s", begun[len(begun)-1], p.err.String())
		}
	}
	return v
}

func TestADamagedStoreGivesNoWrongTokenNoCrashAndNoHang(t *testing.T) {
	v := newHost(t, 0).judgeDamages(rounds(t, 1000), false)
	if v.wrong+v.crashed+v.hung > 0 {
		t.Errorf("%d wrong tokens, %d crashes, %d hangs", v.wrong, v.crashed, v.hung)
	}
	if v.partly == 0 {
		t.Error("no damage hit one grant and left the others: the harness proves nothing of them")
	}
	t.Logf("%d refused by the store, %d served in part, %d unharmed", v.refused, v.partly, v.well)
}

func TestTheDamagesGiveWrongTokensWithoutSealing(t *testing.T) {
	if v := newHost(t, 0).judgeDamages(1000, true); v.wrong == 0 {
		t.Error("none: the harness proves nothing")
	}
}
