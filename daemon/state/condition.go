package state

import (
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/verdict"
	"webex-tokend/store"
)

// Facts returns what is known of a grant beside its record. Held is read before
// Open: an answer in memory alone ends as durable, never as an outcome that
// nobody knows.
func (b *Book) Facts(name, integration string) verdict.Facts {
	cfg := b.config()
	f := verdict.Facts{Declared: cfg.Declared(name), Renewal: Renewal(cfg, name), Disk: DiskAction(cfg)}
	if in, _, declared := cfg.Rules(name); declared {
		f.Minted = in.Kind == config.ServiceApp
	}
	f.Client, _ = b.circuits.Refusal(integration)
	f.Held, _ = b.trust.HeldSince(name)
	if since, unresolved := b.flights.Unresolved(name); unresolved {
		f.Open = since
	}
	return f
}

// Condition is the state of a record together with the facts beside it.
func (b *Book) Condition(r *store.Record) store.Condition {
	return verdict.Condition(r, b.Facts(r.Name, r.Integration))
}

// Action is the command that helps with a condition; empty: nothing to do.
func (b *Book) Action(name string, c store.Condition) string {
	return verdict.Help(name, c, b.Facts(name, ""))
}

// DiskAction shows whether the disk of the store is full.
func DiskAction(cfg *config.Config) string {
	if cfg.Seal.Shared != nil {
		return "webex-tokend hosts"
	}
	return "df -h " + cfg.StateDir
}

// Renewal is the command that brings a grant new tokens.
func Renewal(cfg *config.Config, name string) string {
	in, _, ok := cfg.Rules(name)
	switch {
	case ok && in.Kind == config.ServiceApp:
		return "webex-tokend status " + in.Manager // which mints
	case ok && in.Authorizes():
		return "webex-tokend authorize " + name
	}
	return "webex-tokend import " + name
}
