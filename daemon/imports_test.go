package daemon_test

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "webex-tokend"

// everything stands in the row of the one package that joins all the others.
const everything = "*"

// mayImport says which packages of this module each package may import. The
// rules behind it: the store knows nobody; leaves know nobody; only daemon
// knows all; a room knows those below it, and none knows who asks it; the
// client imports leaves alone, so that other programs can use it.
func mayImport() map[string][]string {
	return map[string][]string{
		"store":                 {},
		"store/newfile":         {},
		"store/lockfile":        {"store"},
		"store/boltkv":          {"store", "store/lockfile", "store/newfile"},
		"store/seal":            {"store", "store/boltkv", "store/newfile"},
		"store/storetest":       {"store"},
		"store/replica":         {"store", "store/boltkv"},
		"store/etcdkv":          {"store"},
		"store/etcdkv/etcdtest": {},

		"daemon/accounts":     {},
		"daemon/acl":          {"daemon/accounts"},
		"daemon/address":      {"daemon/disk"},
		"daemon/boottime":     {},
		"daemon/grantname":    {},
		"daemon/filewatch":    {"daemon/disk"},
		"daemon/disk":         {},
		"daemon/custody":      {"daemon/accounts"},
		"daemon/duration":     {},
		"daemon/emulator":     {},
		"daemon/emulator/lab": {"daemon/emulator"},
		"daemon/meter":        {},
		"daemon/ledger":       {},
		"daemon/schedule":     {},
		"daemon/scope":        {},
		"daemon/socket":       {"daemon/accounts"},
		"daemon/stopwatch":    {},
		"daemon/sse":          {},
		"daemon/wire":         {},

		"daemon/client":       {"daemon/sse", "daemon/wire"},
		"daemon/config":       {"daemon/disk", "daemon/grantname", "store"},
		"daemon/connection":   {},
		"daemon/configfile":   {"daemon/accounts", "daemon/acl", "daemon/attribute", "daemon/config", "daemon/custody", "daemon/disk", "daemon/duration", "daemon/grantname", "daemon/webfile"},
		"daemon/attribute":    {"daemon/config", "daemon/duration"},
		"daemon/plan":         {"daemon/config", "daemon/duration", "daemon/grantname"},
		"daemon/event":        {"store"},
		"daemon/draft":        {},
		"daemon/discovery":    {},
		"daemon/hook":         {"daemon/config", "daemon/duration", "daemon/stopwatch", "store"},
		"daemon/endpoint":     {"daemon/config", "store"},
		"daemon/answer":       {},
		"daemon/clientsecret": {"daemon/config", "daemon/disk", "store"},
		"daemon/provider":     {"daemon/answer", "daemon/clientsecret", "daemon/config", "daemon/disk", "daemon/stopwatch", "store"},
		"daemon/tokenfile":    {"daemon/answer", "daemon/config", "daemon/provider", "store"},
		"daemon/verdict":      {"daemon/wire", "store"},
		"daemon/window":       {"store"},
		"daemon/circuit":      {"daemon/config", "daemon/provider", "store"},
		"daemon/outcome":      {"daemon/config", "daemon/provider", "daemon/schedule", "daemon/window", "daemon/wire", "store"},
		"daemon/flight":       {"store"},
		"daemon/refusal":      {"store"},
		"daemon/state":        {"daemon/circuit", "daemon/config", "daemon/event", "daemon/flight", "daemon/grantname", "daemon/refusal", "daemon/verdict", "store"},
		"daemon/job":          {},
		"daemon/sweep":        {"daemon/circuit", "daemon/config", "daemon/duration", "daemon/endpoint", "daemon/flight", "daemon/meter", "daemon/outcome", "daemon/refusal", "daemon/schedule", "daemon/state", "daemon/verdict", "daemon/wire", "store"},

		"daemon/report": {"daemon/config", "daemon/grantname", "daemon/meter", "daemon/outcome", "daemon/provider", "daemon/refusal", "daemon/scope", "daemon/state", "daemon/verdict", "daemon/wire", "store"},

		"daemon/fleet":      {"daemon/circuit", "daemon/config", "daemon/endpoint", "daemon/event", "daemon/flight", "daemon/meter", "daemon/provider", "daemon/refresh", "daemon/registry", "daemon/state", "daemon/sweep", "store"},
		"daemon/refresh":    {"daemon/boottime", "daemon/circuit", "daemon/config", "daemon/duration", "daemon/endpoint", "daemon/event", "daemon/flight", "daemon/grantname", "daemon/meter", "daemon/outcome", "daemon/provider", "daemon/refusal", "daemon/registry", "daemon/schedule", "daemon/state", "daemon/stopwatch", "daemon/wire", "store"},
		"daemon/registry":   {"daemon/config", "daemon/endpoint", "daemon/event", "daemon/flight", "daemon/grantname", "daemon/outcome", "daemon/provider", "daemon/refusal", "daemon/state", "daemon/window", "daemon/wire", "store"},
		"daemon/api":        {"daemon/acl", "daemon/config", "daemon/duration", "daemon/event", "daemon/flow", "daemon/grantname", "daemon/refresh", "daemon/refusal", "daemon/registry", "daemon/report", "daemon/socket", "daemon/sse", "daemon/tokenfile", "daemon/wire", "store"},
		"daemon/alert":      {"daemon/config", "daemon/duration", "daemon/event", "daemon/hook", "daemon/meter", "daemon/refusal", "daemon/report", "daemon/state", "daemon/verdict", "daemon/wire", "store"},
		"daemon/credential": {"daemon/acl", "daemon/refresh", "daemon/socket"},
		"daemon/flow":       {"daemon/config", "daemon/duration", "daemon/provider", "daemon/refresh", "daemon/refusal", "daemon/registry", "daemon/stopwatch", "daemon/wire", "store"},
		"daemon/intake":     {"daemon/config", "daemon/disk", "daemon/refusal", "daemon/registry", "daemon/tokenfile"},
		"daemon/metrics":    {"daemon/config", "daemon/event", "daemon/meter", "daemon/report", "daemon/verdict", "daemon/wire", "store"},
		"daemon/publish":    {"daemon/accounts", "daemon/config", "daemon/custody", "daemon/disk", "daemon/hook", "daemon/refresh", "daemon/refusal", "daemon/wire", "store"},
		"daemon/web":        {"daemon/accounts", "daemon/acl", "daemon/config", "daemon/connection", "daemon/event", "daemon/flow", "daemon/grantname", "daemon/refusal", "daemon/report", "daemon/sse", "daemon/verdict", "daemon/webfile", "daemon/wire", "store"},
		"daemon/webfile":    {"store"},
		"daemon/office":     {"daemon/boottime", "daemon/duration"},
		"daemon/vault":      {"daemon/duration", "daemon/wire", "store", "store/seal"},

		"daemon":           {everything},
		"cmd/webex-tokend": {everything, "daemon"},
		"cmd/webex-token":  {"daemon/address", "daemon/duration", "daemon/grantname"},
	}
}

// homes says which packages may use a library; the module paths are prefixes.
func homes() map[string][]string {
	return map[string][]string{
		"github.com/andybalholm/brotli":    {"daemon/answer", "daemon/emulator"},
		"github.com/klauspost/compress/":   {"daemon/answer", "daemon/emulator"},
		"go.etcd.io/bbolt":                 {"store/boltkv"},
		"github.com/tink-crypto/tink-go/":  {"store/seal"},
		"github.com/hashicorp/hcl/":        {"daemon/attribute", "daemon/configfile", "daemon/discovery", "daemon/draft"},
		"github.com/spf13/cobra":           {"cmd/webex-tokend"},
		"webex-tokend/daemon/emulator/lab": {}, // for tests alone
		"go.etcd.io/etcd/":                 {"store/etcdkv", "store/etcdkv/etcdtest"},
		// It repeats refreshes and loses rotated tokens; the client only hands
		// tokens to programs that know its types.
		"golang.org/x/oauth2": {"daemon/client"},
	}
}

// forbidden returns a sentence for each import that the tables do not allow.
func forbidden(imports map[string][]string) (faults []string) {
	rows, libraries := mayImport(), homes()
	for _, from := range slices.Sorted(maps.Keys(imports)) {
		row, known := rows[from]
		if !known {
			faults = append(faults, fmt.Sprintf("package %s has no row in the import table: say there what it may know", from))
			continue
		}
		for _, path := range imports[from] {
			to, ours := strings.CutPrefix(path, module+"/")
			all := slices.Contains(row, everything) && to != "daemon"
			if ours && !all && !slices.Contains(row, to) {
				faults = append(faults, fmt.Sprintf("package %s must not know %s: its row allows %v", from, to, row))
			}
			for library, users := range libraries {
				if strings.HasPrefix(path, library) && !slices.Contains(users, from) {
					faults = append(faults, fmt.Sprintf("package %s must not use %s: that is for %v", from, path, users))
				}
			}
		}
	}
	return faults
}

// importsBelow reads the imports of all packages, tests aside, by their folders.
func importsBelow(t *testing.T, root string) map[string][]string {
	imports := make(map[string][]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (name == "testdata" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(path, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err == nil && len(p.GoFiles) > 0 {
			imports[filepath.ToSlash(name)] = p.Imports
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

func TestNoPackageKnowsMoreThanItMay(t *testing.T) {
	imports := importsBelow(t, "..")
	if len(imports) < len(mayImport())/2 {
		t.Fatalf("only %d packages found", len(imports))
	}
	for _, fault := range forbidden(imports) {
		t.Error(fault)
	}
}

func TestTheImportTableSeesWhatIsForbidden(t *testing.T) {
	for _, c := range []struct {
		name    string
		from    string
		imports []string
		says    string
	}{
		{"the store knows somebody", "store", []string{"fmt", "webex-tokend/daemon/wire"}, "package store must not know daemon/wire"},
		{"a leaf knows the store", "daemon/acl", []string{"webex-tokend/store"}, "package daemon/acl must not know store"},
		{"the client knows more than wire", "daemon/client", []string{"webex-tokend/daemon/wire", "webex-tokend/store"}, "package daemon/client must not know store"},
		{"somebody beside main knows daemon", "daemon/api", []string{"webex-tokend/daemon"}, "package daemon/api must not know daemon:"},
		{"daemon knows itself", "daemon", []string{"webex-tokend/daemon"}, "package daemon must not know daemon:"},
		{"a package without a row", "daemon/util", nil, "package daemon/util has no row"},
		{"the backend's library elsewhere", "daemon/refresh", []string{"go.etcd.io/bbolt"}, "must not use go.etcd.io/bbolt"},
		{"another client for tokens", "daemon/provider", []string{"golang.org/x/oauth2/clientcredentials"}, "must not use golang.org/x/oauth2/clientcredentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := forbidden(map[string][]string{c.from: c.imports})
			if len(faults) != 1 || !strings.HasPrefix(faults[0], "package "+c.from) || !strings.Contains(faults[0], c.says) {
				t.Errorf("it says %q", faults)
			}
		})
	}
	if faults := forbidden(map[string][]string{"cmd/webex-tokend": {"webex-tokend/daemon", "webex-tokend/store"}}); len(faults) != 0 {
		t.Errorf("main may know all: %q", faults)
	}
}
