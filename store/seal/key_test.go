package seal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/store/seal"
)

func TestAKeyIsReadBackFromItsText(t *testing.T) {
	key := seal.NewKey()
	text := key.Text().Reveal()
	for name, written := range map[string]string{
		"as it was written": text,
		"with a newline":    text + "\n",
		"in small letters":  strings.ToLower(text),
		"without dashes":    strings.ReplaceAll(text, "-", ""),
		"with spaces":       " " + strings.ReplaceAll(text, "-", " ") + " ",
	} {
		if got, err := seal.ParseKey(written); err != nil || got.ID() != key.ID() {
			t.Errorf("%s: %v", name, err)
		}
	}
	if seal.NewKey().ID() == key.ID() {
		t.Error("two keys have one ID")
	}
}

func TestATextThatIsNoKeyIsRefusedWithoutBeingShown(t *testing.T) {
	text := seal.NewKey().Text().Reveal()
	swapped := []byte(text)
	last := len(swapped) - 12
	if swapped[last] == 'A' {
		swapped[last] = 'B'
	} else {
		swapped[last] = 'A'
	}
	for name, written := range map[string]string{
		"nothing":                "",
		"a password":             "correct horse battery staple",
		"a key cut short":        text[:len(text)-4],
		"a key with one slip":    string(swapped),
		"a key with more behind": text + "AAAAAAAA",
		"two keys":               text + "\n" + text,
		"a key of a later kind":  strings.Replace(text, "key-1", "key-2", 1),
	} {
		_, err := seal.ParseKey(written)
		if !errors.Is(err, seal.ErrNotAKey) {
			t.Errorf("%s: %v", name, err)
		} else if len(written) > 4 && strings.Contains(err.Error(), written[4:12]) {
			t.Errorf("%s: the error shows it: %v", name, err)
		}
	}
}

func TestAKeyFileIsClosedToOthersAndNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.key")
	key := seal.NewKey()
	if err := seal.WriteKey(path, key); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o440 {
		t.Errorf("mode %v and %v", info.Mode(), err)
	}
	if err := seal.WriteKey(path, seal.NewKey()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("writing it again: %v", err)
	}
	got, warning, err := seal.ReadKey(path)
	if err != nil || warning != "" || got.ID() != key.ID() {
		t.Errorf("got %s, warning %q and %v", got.ID(), warning, err)
	}
	rest, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(rest) > 0 {
		t.Errorf("left behind: %q", rest)
	}
}

func TestAKeyFileThatOthersHandleIsRefusedOrWarnedAbout(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "store.key")
	if err := seal.WriteKey(path, seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	mode := func(bits fs.FileMode) func() string {
		return func() string {
			if err := os.Chmod(path, bits); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	for _, c := range []struct {
		name, says string
		path       func() string
		warning    bool
	}{
		{"its group may write", "may write", mode(0o460), false},
		{"everyone may write", "may write", mode(0o446), false},
		{"everyone may read", "", mode(0o444), true},
		{"its owner alone may read", "", mode(0o400), false},
		{"it is a folder", "not a regular file", func() string { return folder }, false},
		{"it is not there", "there is no store key in", func() string { return path + "2" }, false},
	} {
		_, warning, err := seal.ReadKey(c.path())
		if (c.says != "") != (err != nil) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
		if (warning != "") != c.warning {
			t.Errorf("%s: warning %q", c.name, warning)
		}
	}
}

func TestTheCredentialOfSystemdGoesBeforeTheFile(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	if got := seal.LocateKey("/etc/key"); got != "/etc/key" {
		t.Errorf("without a credential: %s", got)
	}
	credential := filepath.Join(folder, seal.CredentialName)
	if err := seal.WriteKey(credential, seal.NewKey()); err != nil {
		t.Fatal(err)
	}
	if got := seal.LocateKey("/etc/key"); got != credential {
		t.Errorf("with one: %s", got)
	}
}
