package web

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"

	"webex-tokend/daemon/config"
)

// An access is what the web_config_file gives: TLS, and who may come in with a
// password or a certificate. Its form is that of the Prometheus
// exporter-toolkit, docs/web-configuration.md there; of it tls_server_config
// and basic_auth_users have a meaning here.
type access struct {
	path string
	tls  *tls.Config // nil: plain HTTP

	// comparing is held while a password is compared with its hash.
	comparing sync.Mutex

	mu    sync.Mutex
	known map[[sha256.Size]byte]struct{} // passwords found right, under their hash
}

// Check says what keeps a listener from being served: a faulty
// web_config_file, or one that lacks what a listener beyond loopback needs.
func Check(at *config.HTTP) error {
	_, err := openAccess(at)
	return err
}

func openAccess(at *config.HTTP) (*access, error) {
	a := &access{path: at.WebConfigFile, known: make(map[[sha256.Size]byte]struct{})}
	var file toolkit.Config
	if a.path != "" {
		var err error
		if file, err = a.read(); err != nil {
			return nil, fmt.Errorf("read web_config_file: %w", err)
		}
		for user, hash := range file.Users {
			if _, err := bcrypt.Cost([]byte(hash)); err != nil {
				return nil, fmt.Errorf("read web_config_file: the password of user %q is no bcrypt hash", user)
			}
		}
		if file.TLSConfig.IsEnabled() {
			if a.tls, err = toolkit.ConfigToTLSConfig(&file.TLSConfig); err != nil {
				return nil, fmt.Errorf("read web_config_file: %w", err)
			}
		}
	}
	if at.Loopback() {
		return a, nil
	}
	if a.tls == nil {
		return nil, fmt.Errorf("listener %s is beyond loopback and web_config_file has no TLS certificate", at.Listen)
	}
	if len(file.Users) == 0 && a.tls.ClientAuth < tls.VerifyClientCertIfGiven {
		return nil, fmt.Errorf("listener %s is beyond loopback and web_config_file has neither users nor client certificates", at.Listen)
	}
	return a, nil
}

// read is strict, so that a misspelt key does not leave a door open.
func (a *access) read() (toolkit.Config, error) {
	file := toolkit.Config{TLSConfig: toolkit.TLSConfig{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}}
	content, err := os.ReadFile(a.path)
	if err != nil {
		return file, err
	}
	err = yaml.UnmarshalStrict(content, &file)
	file.TLSConfig.SetDirectory(filepath.Dir(a.path))
	return file, err
}

// users are read again each time, so that one who was removed is out at once.
func (a *access) users() map[string]string {
	users := make(map[string]string)
	if a.path == "" {
		return users
	}
	file, err := a.read()
	if err != nil {
		return users
	}
	for user, hash := range file.Users {
		users[user] = string(hash)
	}
	return users
}

// password returns the user that the request proves to be.
func (a *access) password(r *http.Request) (string, bool) {
	name, password, ok := r.BasicAuth()
	users := a.users()
	if !ok || len(users) == 0 {
		return "", false
	}
	hash, exists := users[name]
	if !exists {
		hash = standIn(users)
	}
	key := sha256.Sum256([]byte(name + "\x00" + hash + "\x00" + password))
	if a.knows(key) {
		return name, true
	}
	// One comparison at a time: it takes a tenth of a second of a core, and
	// guesses must not take the cores from refreshes. Whoever was right before
	// does not wait for them.
	a.comparing.Lock()
	defer a.comparing.Unlock()
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil || !exists {
		return "", false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[key] = struct{}{}
	return name, true
}

func (a *access) knows(key [sha256.Size]byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.known[key]
	return ok
}

// standIn is the hash that is compared for names that do not exist, so that the
// time of an answer does not tell which ones do. It is one of the file, because
// the time depends on the cost that was chosen there.
func standIn(users map[string]string) string {
	return users[slices.Min(slices.Collect(maps.Keys(users)))]
}

// certificate returns the name in a client certificate that was verified.
func certificate(r *http.Request) (string, bool) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return "", false
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName, true
}
