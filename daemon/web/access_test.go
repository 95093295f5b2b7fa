package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/web"
)

func TestUsersOfTheFileComeInByPasswordUntilTheyAreRemoved(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	base := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\nbasic_auth_users:\n", cert, key)
	ada, ida := "  ada: "+hashOf(t, "lovelace")+"\n", "  ida: "+hashOf(t, "rhodes")+"\n"
	file := writeFile(t, base+ada+ida)

	listener := listen(t)
	cfg, err := configfile.Parse(fmt.Appendf(nil, "http {\nlisten = %q\nweb_config_file = %q\n}\n", listener.Addr(), file), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, web.Config{Report: newFleet(3, time.Now()), Config: func() *config.Config { return cfg }, Rules: letsSee("ada", "ida")})

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

func TestGuessesHoldUpNobodyWhosePasswordIsKnown(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("lovelace"), bcrypt.DefaultCost)
	if err != nil {
		t.Fatal(err)
	}
	listener := listen(t)
	cfg, err := configfile.Parse(fmt.Appendf(nil, "http {\nlisten = %q\nweb_config_file = %q\n}\n", listener.Addr(),
		writeFile(t, "basic_auth_users:\n  ada: "+string(hash)+"\n")), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, listener, web.Config{Report: newFleet(3, time.Now()), Config: func() *config.Config { return cfg }, Rules: letsSee("ada", "ida")})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	ask := func(password string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/ui/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("ada", password)
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status := ask("lovelace"); status != 200 {
		t.Fatalf("the right password: got %d", status)
	}
	// Comparisons wait for one another, so that some guess waits at any time.
	var guesses sync.WaitGroup
	enough := make(chan struct{})
	var guessed atomic.Int64
	for range 5 {
		guesses.Go(func() {
			for {
				if status := ask("byron"); status != 401 {
					t.Errorf("a guess: got %d", status)
				}
				guessed.Add(1)
				select {
				case <-enough:
					return
				default:
				}
			}
		})
	}
	const answers = 10
	for range answers {
		if status := ask("lovelace"); status != 200 {
			t.Errorf("during guesses: got %d", status)
		}
	}
	// One that waits in the row of comparisons has four or five guesses before it.
	if n := guessed.Load(); n >= 2*answers {
		t.Errorf("%d guesses came before %d answers", n, answers)
	}
	close(enough)
	guesses.Wait()
}

func TestACertificateOfTheClientAuthorityLetsIn(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	ours, err := tls.LoadX509KeyPair(cert, key) // the authority of clients as well
	if err != nil {
		t.Fatal(err)
	}
	strange := t.TempDir()
	foreignCert, foreignKey := certificate(t, strange)
	theirs, err := tls.LoadX509KeyPair(foreignCert, foreignKey)
	if err != nil {
		t.Fatal(err)
	}
	none := tls.Certificate{}
	for _, c := range []struct {
		name, clients string
		shown         tls.Certificate
		status        int // 0: the handshake fails
	}{
		{"required, and shown", "RequireAndVerifyClientCert", issue(t, ours, "ada"), 200},
		{"required, and there is none", "RequireAndVerifyClientCert", none, 0},
		{"required, and of another authority", "RequireAndVerifyClientCert", issue(t, theirs, "ada"), 0},
		{"welcome, and shown", "VerifyClientCertIfGiven", issue(t, ours, "ada"), 200},
		{"welcome, and there is none", "VerifyClientCertIfGiven", none, 403},
		{"welcome, and of another authority", "VerifyClientCertIfGiven", issue(t, theirs, "ada"), 0},
		{"not verified, and shown", "RequestClientCert", issue(t, ours, "ada"), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n  client_auth_type: %s\n", cert, key, c.clients)
			if c.clients != "RequestClientCert" {
				source += "  client_ca_file: " + cert + "\n"
			}
			listener := listen(t)
			cfg, err := configfile.Parse(fmt.Appendf(nil, "http {\nlisten = %q\nweb_config_file = %q\n}\n", listener.Addr(), writeFile(t, source)), "test.hcl")
			if err != nil {
				t.Fatal(err)
			}
			serve(t, listener, web.Config{Report: newFleet(3, time.Now()), Config: func() *config.Config { return cfg }, Rules: letsSee("ada", "ida")})
			roots := x509.NewCertPool()
			roots.AddCert(ours.Leaf)
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots,
				// Whatever authorities the server names.
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.shown, nil }}}
			t.Cleanup(transport.CloseIdleConnections)
			resp, err := (&http.Client{Transport: transport}).Get("https://" + listener.Addr().String() + "/ui/")
			if err != nil {
				if _, refused := errors.AsType[*net.OpError](err); c.status != 0 || !refused {
					t.Fatal(err)
				}
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.status {
				t.Fatalf("got %d, %v", resp.StatusCode, err)
			}
			if known := strings.Contains(string(body), "<span>ada</span>"); known != (c.status == 200) {
				t.Errorf("the page calls the visitor by name: %v", known)
			}
		})
	}
}

// issue makes a client certificate by that name.
func issue(t testing.TB, authority tls.Certificate, name string) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, private.Public(), authority.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
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
