package plan

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	dropin "github.com/coreos/go-systemd/v22/unit"
)

const unitName = "webex-tokend.service"

// A unit is what the files of this host set for the daemon's unit.
type unit struct {
	settings map[string][]setting
	polkit   string // a file with rules that names the unit; empty: none can be read
}

// A setting is one word of a value, and the file that has it.
type setting struct{ value, file string }

// unitFolders are those in which systemd looks, as systemd.unit(5) orders them: of
// two files of one name, the first is used.
func unitFolders() []string {
	return []string{"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system"}
}

// readUnit reads the unit and its drop-ins below root. What cannot be read sets
// nothing.
func readUnit(root string) *unit {
	u := &unit{settings: make(map[string][]setting)}
	files := make(map[string]string)
	for _, folder := range unitFolders() {
		folder = filepath.Join(root, folder)
		if _, known := files[""]; !known {
			if _, err := os.Stat(filepath.Join(folder, unitName)); err == nil {
				files[""] = filepath.Join(folder, unitName) // before every drop-in
			}
		}
		found, _ := filepath.Glob(filepath.Join(folder, unitName+".d", "*.conf")) // the pattern is good
		for _, path := range found {
			if _, known := files[filepath.Base(path)]; !known {
				files[filepath.Base(path)] = path
			}
		}
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		u.add(files[name])
	}
	for _, folder := range []string{"etc", "run", "usr/local/share", "usr/share"} {
		rules, _ := filepath.Glob(filepath.Join(root, folder, "polkit-1/rules.d/*.rules"))
		for _, path := range rules {
			if text, err := os.ReadFile(path); err == nil && u.polkit == "" && bytes.Contains(text, []byte(unitUser)) {
				u.polkit = path
			}
		}
	}
	return u
}

// add applies one file: a value adds to those before it, an empty one forgets them.
func (u *unit) add(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	options, err := dropin.DeserializeOptions(bytes.NewReader(text))
	if err != nil {
		return
	}
	for _, o := range options {
		if o.Section != "Service" {
			continue
		}
		name := strings.Replace(o.Name, "ReadWriteDirectories", "ReadWritePaths", 1)
		if o.Value == "" {
			delete(u.settings, name)
		}
		for _, word := range strings.Fields(o.Value) {
			u.settings[name] = append(u.settings[name], setting{strings.Trim(word, `"'`), path})
		}
	}
}

// by is the file with a value that fits; empty: there is none.
func (u *unit) by(name string, fits func(value string) bool) string {
	for _, s := range u.settings[name] {
		if fits(s.value) {
			return s.file
		}
	}
	return ""
}
