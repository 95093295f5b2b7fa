package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/config"
)

// write puts a file into a folder and returns its path. Chmod makes the mode
// independent of the umask.
func write(t *testing.T, folder, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := errors.Join(os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestASecretIsReadAgainAtEachUse(t *testing.T) {
	folder := t.TempDir()
	s := config.SecretFile{Path: write(t, folder, "s", "one\n", 0o600)}
	for _, want := range []string{"one", "two"} {
		got, err := s.Read()
		if err != nil || got.Reveal() != want {
			t.Errorf("got %q, %v, want %q", got.Reveal(), err, want)
		}
		write(t, folder, "s", "two\r\n", 0o600)
	}
}

func TestACredentialIsReadFromTheFolderThatSystemdNames(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "crm", "hunter2", 0o400)
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	got, err := config.SecretFile{Credential: "crm"}.Read()
	if err != nil || got.Reveal() != "hunter2" {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := (config.SecretFile{Credential: "crm"}).Read(); err == nil {
		t.Error("a credential was read without a folder")
	}
}

func TestASecretFileThatIsNoneIsRefusedWithoutShowingIt(t *testing.T) {
	for name, content := range map[string]string{
		"empty":             "",
		"only a newline":    "\n",
		"two lines":         "hunter2\nhunter2\n",
		"two newlines":      "hunter2\n\n",
		"holding a NUL":     "hunter2\x00",
		"longer than 4 KiB": strings.Repeat("hunter2", 700),
		// These were sent as they stand, and the client was refused for no reason
		// that anybody could see.
		"behind a byte order mark": "\ufeffhunter2\n",
		"in UTF-16":                "\xff\xfeh\x00u\x00n\x00t\x00e\x00r\x002\x00",
		"in quotes":                "\"hunter2\"\n",
		"in single quotes":         "'hunter2'\n",
		"in angle brackets":        "<hunter2>",
		"with a blank before":      " hunter2\n",
		"with a blank behind":      "hunter2 \n",
		"with a tab behind":        "hunter2\t",
		"with a no-break space":    "hunter2\u00a0\n",
		"with a zero-width space":  "hunter2\u200b\n",
		"as NAME=value":            "WEBEX_CLIENT_SECRET=hunter2\n",
		"as name = value":          "client_secret = hunter2\n",
		"exported":                 "export SECRET=hunter2\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := config.SecretFile{Path: write(t, t.TempDir(), "s", content, 0o600)}
			_, err := s.Read()
			if err == nil {
				t.Fatal("it was accepted")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func TestASecretMayHoldWhatLooksOdd(t *testing.T) {
	for _, text := range []string{"YWJjZA==", "a b", `say"it"`, "abc~Q8=xyz", "x=", "=x", "\"", "é"} {
		got, err := config.SecretFile{Path: write(t, t.TempDir(), "s", text+"\n", 0o600)}.Read()
		if err != nil || got.Reveal() != text {
			t.Errorf("%q is read as %q (%v)", text, got.Reveal(), err)
		}
	}
}
