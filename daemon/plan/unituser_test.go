package plan

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

func TestAFileIsReadableByOwnerGroupAndMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	us, group := strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())
	const somebody, others = "4294967000", "4294967001"
	for _, test := range []struct {
		name   string
		mode   fs.FileMode
		uid    string
		groups []string
		want   bool
	}{
		{"the owner reads", 0o400, us, []string{others}, true},
		{"a group that is the owner's is of no use to the owner", 0o040, us, []string{group}, false},
		{"a member of the group reads", 0o640, somebody, []string{others, group}, true},
		{"a member whom the mode leaves out does not", 0o604, somebody, []string{group}, false},
		{"everybody else reads what all may", 0o604, somebody, []string{others}, true},
		{"everybody else reads nothing that the group may", 0o640, somebody, []string{others}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := readable(info, test.uid, test.groups); got != test.want {
				t.Errorf("readable: %t", got)
			}
		})
	}
}
