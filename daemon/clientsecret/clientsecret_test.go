package clientsecret

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/store"
)

func TestASecretIsReadAgainWhenItsFileIsAnotherOneOrWasTouched(t *testing.T) {
	folder := t.TempDir()
	path, other := filepath.Join(folder, "secret"), filepath.Join(folder, "other")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(path, "first")
	read, ahead := 0, time.Hour
	s := New()
	s.now = func() time.Time { return time.Now().Add(ahead) }
	s.read = func(file config.SecretFile) (store.Secret, error) { read++; return file.Read() }
	expect := func(what, want string, reads int) {
		t.Helper()
		got, err := s.Of(config.SecretFile{Path: path})
		if (err != nil) != (want == "") || got.Reveal() != want || read != reads {
			t.Errorf("%s: got %q, %v after %d reads, not %q after %d", what, got.Reveal(), err, read, want, reads)
		}
	}
	expect("at first", "first", 1)
	expect("untouched", "first", 1)
	write(path, "other")
	expect("written into", "other", 2)
	write(other, "third")
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	expect("replaced", "third", 3)
	if err := os.Chmod(path, 0o602); err != nil {
		t.Fatal(err)
	}
	expect("open to everyone", "", 4)
	expect("still open", "", 5)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect("gone", "", 6)
	write(path, "again")
	ahead = 0
	expect("just written", "again", 7)
	expect("still new", "again", 8)
}
