package plan_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"webex-tokend/daemon/plan"
)

// What was there already was asked for again.
func TestWhatDropInsGiveIsDone(t *testing.T) {
	c := parse(t, outputs)
	const chown, rest = "etc/systemd/system/webex-tokend.service.d/chown.conf", "etc/systemd/system/webex-tokend.service.d/local.conf"
	all := []string{
		"files with an owner need the drop-in chown.conf, which grants CAP_CHOWN",
		"hooks that call systemctl need a polkit rule such as webex-tokend.rules",
		"what has a group needs SupplementaryGroups=crm",
		"paths outside the unit's own folders need ReadWritePaths=/srv /srv/tokens",
	}
	for _, row := range []struct {
		name  string
		files map[string]string
		needs []string
		done  []string // how they begin
	}{
		{"nothing is there", nil, all, nil},
		{"everything is", map[string]string{
			chown:                                 "[Service]\nCapabilityBoundingSet=CAP_CHOWN\nAmbientCapabilities=CAP_CHOWN\n",
			rest:                                  "# ours\n[Service]\nSupplementaryGroups=ops \\\n crm\nReadWritePaths=-/srv\n",
			"etc/polkit-1/rules.d/50-local.rules": "action.lookup(\"unit\"); subject.user == \"webex-tokend\"",
		}, nil, []string{"CAP_CHOWN ", "a polkit rule ", "SupplementaryGroups=crm: ", "ReadWritePaths for /srv: ", "ReadWritePaths for /srv/tokens: "}},
		{"a part of it is", map[string]string{rest: "[Service]\nReadWriteDirectories=/srv/tokens\n"},
			append(slices.Clone(all[:3]), "paths outside the unit's own folders need ReadWritePaths=/srv"), []string{"ReadWritePaths for /srv/tokens: "}},
		{"it stands in the unit's own copy", map[string]string{"etc/systemd/system/webex-tokend.service": "[Service]\nSupplementaryGroups=crm\n"},
			append(slices.Clone(all[:2]), all[3]), []string{"SupplementaryGroups=crm: "}},
		{"a later file takes it back", map[string]string{rest: "[Service]\nSupplementaryGroups=crm\n",
			"run/systemd/system/webex-tokend.service.d/zz.conf": "[Service]\nSupplementaryGroups=\n"}, all, nil},
		{"another section, another unit, a file of no use", map[string]string{rest: "[Unit]\nSupplementaryGroups=crm\n",
			"etc/systemd/system/other.service.d/a.conf":         "[Service]\nSupplementaryGroups=crm\n",
			"etc/systemd/system/webex-tokend.service.d/broken":  "[Service]\nSupplementaryGroups=crm\n",
			"etc/systemd/system/webex-tokend.service.d/no.conf": "\x00[[",
		}, all, nil},
		{"a file of higher rank hides it", map[string]string{"usr/lib/systemd/system/webex-tokend.service.d/a.conf": "[Service]\nSupplementaryGroups=crm\n",
			"etc/systemd/system/webex-tokend.service.d/a.conf": ""}, all, nil},
	} {
		root := t.TempDir()
		lay(t, root, "run/systemd/system/.keep", "")
		for path, text := range row.files {
			lay(t, root, path, text)
		}
		needs, done := plan.Unit(c, root)
		if !slices.Equal(needs, row.needs) {
			t.Errorf("%s: it needs\n%s\nnot\n%s", row.name, strings.Join(needs, "\n"), strings.Join(row.needs, "\n"))
		}
		if !slices.EqualFunc(done, row.done, strings.HasPrefix) {
			t.Errorf("%s: done is %q", row.name, done)
		}
	}
}

func TestWhereSystemdDoesNotRunThereIsNoUnitToSpeakOf(t *testing.T) {
	root := t.TempDir()
	lay(t, root, "etc/systemd/system/webex-tokend.service.d/a.conf", "[Service]\nSupplementaryGroups=crm\n")
	if needs, done := plan.Unit(parse(t, outputs), root); len(needs)+len(done) > 0 {
		t.Errorf("needs %q, done %q", needs, done)
	}
}

func lay(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
