package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/web"
)

func TestUsersOfTheFileComeInByPasswordUntilTheyAreRemoved(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	base := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\nbasic_auth_users:\n", cert, key)
	ada, ida := "  ada: "+hashOf(t, "lovelace")+"\n", "  ida: "+hashOf(t, "rhodes")+"\n"
	file := writeFile(t, base+ada+ida)

	listener := listen(t)
	cfg, err := config.Parse(fmt.Appendf(nil, "http {\nlisten = %q\nweb_config_file = %q\n}\n", listener.Addr(), file), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, web.Config{Keeper: newFleet(3, time.Now()), Config: func() *config.Config { return cfg }})

	roots := x509.NewCertPool()
	content, err := os.ReadFile(cert)
	if err != nil || !roots.AppendCertsFromPEM(content) {
		t.Fatal("no certificate:", err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	ask := func(user, password string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+listener.Addr().String()+"/ui/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			r.SetBasicAuth(user, password)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
	}
	for _, c := range []struct {
		name, user, password string
		want                 int
	}{
		{"nobody", "", "", 401},
		{"a user with another's password", "ada", "rhodes", 401},
		{"a user that is none", "eve", "lovelace", 401},
		{"a user", "ada", "lovelace", 200},
		{"the same one again", "ada", "lovelace", 200},
		{"another user", "ida", "rhodes", 200},
	} {
		status, challenge := ask(c.user, c.password)
		if status != c.want || (status == 401) != strings.HasPrefix(challenge, "Basic") {
			t.Errorf("%s: got %d, %q", c.name, status, challenge)
		}
	}
	if err := os.WriteFile(file, []byte(base+ida), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _ := ask("ada", "lovelace"); status != 401 {
		t.Errorf("removed: got %d", status)
	}
	if status, _ := ask("ida", "rhodes"); status != 200 {
		t.Errorf("not removed: got %d", status)
	}
}

func hashOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func writeFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate makes one for loopback.
func certificate(t testing.TB, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "loopback"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
