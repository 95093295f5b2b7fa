package main

import (
	"io"
	"maps"
	"testing"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
)

func TestAreasFollowTheConfigurationInForceAndTheSignal(t *testing.T) {
	v := newVerbosity(hclog.LoggerOptions{Name: "webex-tokend", Output: io.Discard})
	v.configure(&config.Config{Log: config.Log{Level: "warn", Levels: map[string]string{"keeper": "debug", "api": "error"}}})
	loggers := map[string]hclog.Logger{"": v.log}
	for _, area := range []string{"keeper", "api", "web"} {
		loggers[area] = v.log.Named(area)
	}
	loggers["web.tls"] = loggers["web"].Named("tls")
	levels := func() map[string]hclog.Level {
		found := make(map[string]hclog.Level)
		for area, l := range loggers {
			found[area] = l.GetLevel()
		}
		return found
	}
	const debug, warn, fail = hclog.Debug, hclog.Warn, hclog.Error
	configured := map[string]hclog.Level{"": warn, "keeper": debug, "api": fail, "web": warn, "web.tls": warn}
	everything := map[string]hclog.Level{"": debug, "keeper": debug, "api": debug, "web": debug, "web.tls": debug}
	reloaded := map[string]hclog.Level{"": fail, "keeper": fail, "api": fail, "web": hclog.Trace, "web.tls": hclog.Trace}
	for _, step := range []struct {
		name string
		do   func()
		want map[string]hclog.Level
	}{
		{"as configured", func() {}, configured},
		{"the first signal shows more", v.toggle, everything},
		{"the second one no longer", v.toggle, configured},
		{"the third one again", v.toggle, everything},
		{"a reload ends that", func() {
			v.configure(&config.Config{Log: config.Log{Level: "error", Levels: map[string]string{"web": "trace"}}})
		}, reloaded},
	} {
		if step.do(); !maps.Equal(levels(), step.want) {
			t.Errorf("%s: %v, not %v", step.name, levels(), step.want)
		}
	}
	v.toggle()
	if late := v.log.Named("seed"); late.GetLevel() != debug || loggers["web"].GetLevel() != hclog.Trace {
		t.Errorf("a part that comes late is at %v, web at %v", late.GetLevel(), loggers["web"].GetLevel())
	}
}
