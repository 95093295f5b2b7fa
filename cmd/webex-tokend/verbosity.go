package main

import (
	"cmp"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
)

// A verbosity holds the levels of a log and of the areas under it: as
// configured, or debug everywhere while an operator wants to see more.
type verbosity struct {
	log hclog.Logger

	mu    sync.Mutex
	areas map[string][]hclog.Logger
	cfg   *config.Config
	more  bool
}

// newVerbosity makes a log whose areas have levels of their own.
func newVerbosity(opt hclog.LoggerOptions) *verbosity {
	v := &verbosity{areas: make(map[string][]hclog.Logger), cfg: &config.Config{}}
	opt.IndependentLevels, opt.SubloggerHook = true, v.adopt
	v.log = hclog.New(&opt)
	return v
}

// adopt gives a logger that a part of the daemon makes for itself its level.
func (v *verbosity) adopt(l hclog.Logger) hclog.Logger {
	_, area, _ := strings.Cut(l.Name(), ".")
	area, _, _ = strings.Cut(area, ".")
	v.mu.Lock()
	defer v.mu.Unlock()
	v.areas[area] = append(v.areas[area], l)
	l.SetLevel(v.levelOf(area))
	return l
}

// levelOf an area, empty for what belongs to none. v.mu is held.
func (v *verbosity) levelOf(area string) hclog.Level {
	level := hclog.LevelFromString(cmp.Or(v.cfg.Log.Levels[area], v.cfg.Log.Level))
	if v.more {
		level = min(level, hclog.Debug)
	}
	return level
}

// configure takes over the levels of a configuration, which ends a request to
// see more.
func (v *verbosity) configure(cfg *config.Config) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cfg, v.more = cfg, false
	v.apply()
}

func (v *verbosity) apply() {
	v.log.SetLevel(v.levelOf(""))
	for area, loggers := range v.areas {
		for _, l := range loggers {
			l.SetLevel(v.levelOf(area))
		}
	}
}

func (v *verbosity) toggle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.more = !v.more
	v.apply()
	level := v.levelOf("")
	v.log.Log(max(level, hclog.Info), "log level changed by SIGUSR1", "level", level)
}

// follow toggles with each SIGUSR1 until stop.
func (v *verbosity) follow() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	var followed sync.WaitGroup
	followed.Go(func() {
		for range signals {
			v.toggle()
		}
	})
	return func() {
		signal.Stop(signals)
		close(signals)
		followed.Wait()
	}
}
