package daemon

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/filewatch"
	"webex-tokend/daemon/plan"
)

// errDrastic refuses a reload that nobody asked for in so many words.
var errDrastic = errors.New("so many grants have left the configuration that it takes an explicit reload")

// reload reads the configuration again and takes it over whole, or not at all.
func (d *daemon) reload(ctx context.Context) error { return d.takeOver(ctx, false) }

func (d *daemon) takeOver(ctx context.Context, watched bool) error {
	d.reloads.Lock()
	defer d.reloads.Unlock()
	d.notify.reloading()
	err := d.replace(ctx, watched)
	d.refusal.Store(nil)
	if err != nil {
		d.refusal.Store(&err)
		d.notify.refused()
		d.log.Error("reload refused, nothing changed", "error", err)
		return err
	}
	d.notify.ready()
	return nil
}

// refusedReload says in one line why the configuration in force is not the one
// that was saved last.
func (d *daemon) refusedReload() string {
	refusal := d.refusal.Load()
	if refusal == nil {
		return ""
	}
	if faults, ok := errors.AsType[*configfile.Faults](*refusal); ok {
		return faults.Lines()[0]
	}
	return (*refusal).Error()
}

func (d *daemon) replace(ctx context.Context, watched bool) error {
	old := d.current.Load()
	next, err := configfile.Load(old.Path, configfile.Options{Strict: true, Disk: old.Disk})
	if err != nil {
		return err
	}
	diff := plan.Compare(old, next)
	if watched && diff.Drastic() {
		return errDrastic
	}
	// What may fail comes first: from the fleet on, which takes all or nothing,
	// nothing does, and "nothing changed" is true.
	specs, err := parseSpecs(next.Maintenance)
	if err != nil {
		return err
	}
	if err := d.fleet.Reconfigure(ctx, next); err != nil {
		return err
	}
	d.apply(next)
	d.publisher.Reconfigure(next)
	if d.cluster != nil && d.cluster.office.MayAct() {
		if err := d.cluster.claimRules(ctx); err != nil {
			d.log.Error("the fleet does not know the rules of this host yet", "error", err)
		}
	}
	d.alerts.Look()
	if d.jobs != nil {
		d.jobs.arrange(old.Maintenance, next.Maintenance, specs)
	}
	d.seeds.ReadAll(ctx, next)
	for _, key := range needRestart(old, next) {
		d.log.Warn("takes effect at the next start", "key", key)
	}
	if orphans := plan.Orphans(old, next); len(orphans) > 0 {
		d.log.Warn("files that no block names any more stay as they are", "files", len(orphans), "first", orphans[:min(len(orphans), 10)])
	}
	d.log.Info("reloaded", "grants_added", len(diff.Grants.Added), "grants_removed", len(diff.Grants.Removed),
		"grants_changed", len(diff.Grants.Changed), "integrations_changed", len(diff.Integrations.Changed))
	return nil
}

// apply puts in force what needs no part of the daemon to agree.
func (d *daemon) apply(c *config.Config) {
	d.current.Store(c)
	if d.cfg.LogLevels != nil {
		d.cfg.LogLevels(c)
	}
	rules := accessRules(c)
	d.rules.Store(rules)
	for _, w := range slices.Concat(c.Warnings, rules.Warnings) {
		d.log.Warn(w)
	}
}

func accessRules(c *config.Config) *acl.Rules {
	var blocks []acl.Block
	for _, a := range c.Allow {
		actions := make([]acl.Action, 0, len(a.Actions))
		for _, name := range a.Actions {
			actions = append(actions, acl.Action(name))
		}
		blocks = append(blocks, acl.Block{Users: a.Users, Groups: a.Groups, Units: a.Units,
			WebUsers: a.WebUsers, ClientNames: a.ClientNames, Actions: actions, Grants: a.Grants})
	}
	return acl.New(acl.Config{Blocks: blocks})
}

func needRestart(old, next *config.Config) []string {
	var keys []string
	for key, changed := range map[string]bool{
		"state_dir":   old.StateDir != next.StateDir,
		"runtime_dir": old.RuntimeDir != next.RuntimeDir,
		"api":         old.API != next.API,
		"seal":        old.Seal.KeyFile != next.Seal.KeyFile,
		"store":       !reflect.DeepEqual(old.Seal.Shared, next.Seal.Shared),
		"http":        !reflect.DeepEqual(old.HTTP, next.HTTP),
		"log_format":  old.Log.Format != next.Log.Format,
	} {
		if changed {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// newWatch takes its first look at the configuration, so that a change during
// the start is seen as well. Run reloads by itself from then on.
func (d *daemon) newWatch() *filewatch.Watch {
	return filewatch.New(filewatch.Config{
		Paths:   []string{d.current.Load().Path},
		Changed: func() { _ = d.takeOver(d.watching, true) },
		Log:     d.log.Named("watch"),
	})
}
