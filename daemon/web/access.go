package web

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/crypto/bcrypt"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/webfile"
)

// An access is a parsed web_config_file: TLS, and who may sign in with a
// password or a certificate.
type access struct {
	at   config.HTTP
	tls  *tls.Config // nil: plain HTTP
	http webfile.HTTP

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
	a := &access{at: *at, known: make(map[[sha256.Size]byte]struct{})}
	file, c, err := a.read()
	if err != nil {
		return nil, err
	}
	a.tls, a.http = c, file.HTTP
	if c == nil {
		return a, nil
	}
	// Whoever connects next gets what the files say by then, under the same
	// conditions as at the start: otherwise the connection fails.
	a.tls.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		_, now, err := a.read()
		if err == nil && now == nil {
			err = errors.New("web_config_file has no TLS certificate any more")
		}
		return now, err
	}
	return a, nil
}

// read returns what the files say now, without a TLS configuration where there
// is none, or why that is not enough for the listener.
func (a *access) read() (webfile.File, *tls.Config, error) {
	var file webfile.File
	var c *tls.Config
	if a.at.WebConfigFile != "" {
		var err error
		if file, err = webfile.Read(a.at.WebConfigFile); err == nil {
			c, err = settings(&file)
		}
		if err != nil {
			return file, nil, fmt.Errorf("read web_config_file: %w", err)
		}
	}
	switch {
	case a.at.Loopback():
	case c == nil:
		return file, nil, fmt.Errorf("listener %s is beyond loopback and web_config_file has no TLS certificate", a.at.Listen)
	case len(file.Users) == 0 && c.ClientAuth < tls.VerifyClientCertIfGiven:
		return file, nil, fmt.Errorf("listener %s is beyond loopback and web_config_file has neither users nor client certificates", a.at.Listen)
	}
	return file, c, nil
}

func settings(file *webfile.File) (*tls.Config, error) {
	for user, hash := range file.Users {
		if _, err := bcrypt.Cost([]byte(hash.Reveal())); err != nil {
			return nil, fmt.Errorf("the password of user %q is no bcrypt hash", user)
		}
	}
	if !file.TLS.Enabled() {
		return nil, nil
	}
	c, err := file.TLS.Config()
	if err != nil {
		return nil, err
	}
	// Without an authority of its own, package tls asks the system's, which vouch
	// for whoever holds a certificate for any name at all.
	if c.ClientAuth >= tls.VerifyClientCertIfGiven && c.ClientCAs == nil {
		return nil, fmt.Errorf("client_auth_type %s needs a client_ca_file", file.TLS.ClientAuthType)
	}
	c.NextProtos = []string{"http/1.1"}
	if file.HTTP.HTTP2 {
		c.NextProtos = []string{"h2", "http/1.1"}
	}
	return c, nil
}

// users are read again each time, so that one who was removed is out at once.
func (a *access) users() map[string]string {
	users := make(map[string]string)
	if a.at.WebConfigFile == "" {
		return users
	}
	file, err := webfile.Read(a.at.WebConfigFile)
	if err != nil {
		return users
	}
	for user, hash := range file.Users {
		users[user] = hash.Reveal()
	}
	return users
}

// protocols are those of the file at the start.
func (a *access) protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetHTTP2(a.http.HTTP2)
	return p
}

// withHeaders sets the headers of the file at the start, before the pages set
// theirs, which hold.
func (a *access) withHeaders(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range a.http.Headers {
			w.Header().Set(name, value)
		}
		pages.ServeHTTP(w, r)
	})
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
