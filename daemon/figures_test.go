package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/fleet"
	"webex-tokend/daemon/metrics"
	"webex-tokend/daemon/report"
	"webex-tokend/store"
	"webex-tokend/store/storetest"
)

func TestATextfileThatCannotBeWrittenIsToldOnceAndOnceWhenItCan(t *testing.T) {
	s, err := store.Open(t.Context(), new(storetest.Memory), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "collector")
	var told bytes.Buffer
	cfg := &config.Config{Maintenance: config.Maintenance{Textfile: filepath.Join(folder, "webex-tokend.prom")}}
	k := fleet.New(fleet.Config{Store: s, Config: cfg})
	d := &daemon{
		log:       hclog.New(&hclog.LoggerOptions{Output: &told}),
		followers: &followers{metrics: metrics.New(metrics.Config{Report: report.New(report.Config{Store: s, Config: func() *config.Config { return cfg }, States: k.States, Trust: k.Trust, Clients: k.Circuits, Endpoints: k.Endpoints})})},
		span:      &span{watching: t.Context()},
		inForce:   new(inForce),
	}
	d.current.Store(cfg)
	f := &textfile{d: d}
	for _, step := range []struct {
		name string
		do   func(path string, mode os.FileMode) error
		want string
	}{
		{"there is no folder", func(string, os.FileMode) error { return nil }, "textfile not written"},
		{"the folder is there", os.Mkdir, "textfile written again"},
		{"the folder is gone again", func(path string, _ os.FileMode) error { return os.RemoveAll(path) }, "textfile not written"},
	} {
		if err := step.do(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		told.Reset()
		f.write()
		f.write()
		if text := told.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, step.want) {
			t.Errorf("%s: the log says %q", step.name, text)
		}
	}
}
