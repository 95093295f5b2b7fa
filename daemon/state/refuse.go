package state

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/grantname"
	"webex-tokend/daemon/refusal"
	"webex-tokend/store"
)

// Absent explains a grant that has no record.
func (b *Book) Absent(cfg *config.Config, name string) error {
	if err := grantname.Valid(name); err != nil {
		return &refusal.Error{Kind: refusal.BadName, Detail: err.Error()}
	}
	if !cfg.Declared(name) {
		return Undeclared(cfg, name)
	}
	c := b.PendingCondition(cfg, name)
	return &refusal.Error{
		Kind: refusal.Conflict, State: c.State, Reason: c.Reason, Action: b.Action(name, c),
		Detail: fmt.Sprintf("grant %s has no token yet: %s", name, c.Reason),
	}
}

// Undeclared names the block that would declare the grant.
func Undeclared(cfg *config.Config, name string) error {
	integration := "NAME"
	if names := slices.Sorted(maps.Keys(cfg.Integrations)); len(names) > 0 {
		integration = names[0]
	}
	return &refusal.Error{
		Kind:   refusal.NoSuchGrant,
		Detail: fmt.Sprintf("no grant %s is declared", name),
		Action: fmt.Sprintf("add to %s: grant %q { integration = %q }", cfg.Path, name, integration),
	}
}

// Refuse explains that a grant in this condition is not touched.
func (b *Book) Refuse(name string, c store.Condition, what string) error {
	detail := fmt.Sprintf("grant %s %s", name, what)
	if c.Reason != "" {
		detail += ": " + c.Reason
	}
	return &refusal.Error{Kind: refusal.Conflict, State: c.State, Reason: c.Reason, Action: b.Action(name, c), Detail: detail}
}

// Later explains that something is done after a while at the earliest.
func (b *Book) Later(name string, c store.Condition, after time.Duration, why string) error {
	return &refusal.Error{
		Kind: refusal.Unavailable, State: c.State, Reason: c.Reason, Action: b.Action(name, c),
		Detail: fmt.Sprintf("grant %s: %s", name, why), RetryAfter: max(after.Round(time.Second), time.Second),
	}
}
