package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"webex-tokend/daemon/disk"
	"webex-tokend/store"
)

// secretLimit is far above the size of any client secret, in bytes.
const secretLimit = 4096

// Errors of SecretFile.Check.
var (
	ErrWorldWritable = errors.New("everyone may write to it")
	ErrNoCredentials = errors.New("systemd passed no credentials: $CREDENTIALS_DIRECTORY is not set")
)

// Read returns the secret as it stands in the file now, without one newline
// at its end. It refuses a file that everyone may write to, one that is not a
// regular file, and content that is empty, longer than 4 KiB, more than one line,
// or no secret by itself: see oddity. Errors hold the path and never the content.
func (s SecretFile) Read() (store.Secret, error) {
	text, err := s.read()
	if err != nil {
		return store.Secret{}, fmt.Errorf("read secret file: %w", err)
	}
	return store.NewSecret(text), nil
}

// Check returns why Read would fail, and nil where it would not.
func (s SecretFile) Check() error {
	_, err := s.read()
	return err
}

func (s SecretFile) read() (string, error) {
	path, err := s.Location()
	if err != nil {
		return "", err
	}
	text, err := disk.Do(s.Disk, filepath.Dir(path), func() (string, error) { return readSecret(path) })
	if errors.Is(err, disk.ErrSilent) {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return text, err
}

func readSecret(path string) (string, error) {
	// Without O_NONBLOCK a pipe in the file's place would hold the daemon.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o002 != 0:
		return "", fmt.Errorf("%s: %w", path, ErrWorldWritable)
	}
	data, err := io.ReadAll(io.LimitReader(f, secretLimit+1))
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	odd := oddity(text)
	switch {
	case len(data) > secretLimit:
		return "", fmt.Errorf("%s is longer than %d bytes", path, secretLimit)
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	case odd != "":
		return "", fmt.Errorf("%s %s", path, odd)
	case strings.ContainsAny(text, "\n\r\x00"):
		return "", fmt.Errorf("%s holds more than one line", path)
	}
	return text, nil
}

// oddity reports what stands around a secret by mistake. The server would refuse
// the client for it, and nobody would see why: an editor shows none of it. It is
// named and not trimmed, for a secret that is not sent as it stands in its file
// would be as hard to find.
func oddity(text string) string {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	name, value, assigned := strings.Cut(text, "=")
	switch {
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		return "is UTF-16; save it as plain text"
	case first == '\ufeff':
		return "begins with a byte order mark; save it without one"
	case edge(first):
		return "begins with a blank or an invisible character; remove it"
	case edge(last):
		return "ends with a blank or an invisible character; remove it"
	case len(text) > 1 && first == last && (first == '"' || first == '\'' || first == '`'):
		return "holds the secret in quotes; remove them"
	case len(text) > 1 && first == '<' && last == '>':
		return "holds the secret in angle brackets; remove them"
	case assigned && isVariable(strings.TrimSpace(strings.TrimPrefix(name, "export "))) && strings.Trim(value, "=") != "":
		return "looks like NAME=value; keep the value alone"
	}
	return ""
}

func edge(r rune) bool {
	return unicode.IsSpace(r) && r != '\n' && r != '\r' || unicode.Is(unicode.Cf, r)
}

// isVariable reports that a text is a name under which people keep secrets: one
// in capitals, or one that says so.
func isVariable(name string) bool {
	letters := strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") == "" && name != ""
	capitals := name == strings.ToUpper(name) && strings.Contains(name, "_")
	return letters && (capitals || strings.Contains(strings.ToLower(name), "secret"))
}

// Location returns the path of the file. It looks at the environment at each use,
// as tests and a service manager that restarts the daemon expect.
func (s SecretFile) Location() (string, error) {
	if s.Credential == "" {
		return s.Path, nil
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", ErrNoCredentials
	}
	return filepath.Join(dir, s.Credential), nil
}
