package systemd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/emulator"
)

// A webex stands for the real one in a machine: the names lead to it, and the
// machine trusts its certificate, so that configurations work as they are
// written. One integration is registered, that of the guide in README.md.
type webex struct {
	*emulator.Emulator
	certificate tls.Certificate
}

const (
	webexAddress = "127.77.0.1:443"
	clientID     = "C0ffee"
	clientSecret = "the-client-secret"
)

// webexNames are those of Webex that the daemon asks by default.
var webexNames = []string{"webexapis.com", "idbroker.webex.com"}

func newWebex(t *testing.T) *webex {
	t.Helper()
	return &webex{
		Emulator: emulator.New(emulator.Config{Calm: true, Window: emulator.Fixed, Clients: []emulator.Client{{
			Kind: emulator.REST, ID: clientID, Secret: clientSecret, Name: "CRM",
			RedirectURIs: []string{"http://127.0.0.1:8411/oauth"},
			Scopes:       []string{"spark:rooms_read", "spark:people_read"},
		}}}),
		certificate: selfSigned(t, webexNames...),
	}
}

// selfSigned makes a certificate that is its own authority.
func selfSigned(t *testing.T, names ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// serve lets the machine find Webex until its test ends.
func (w *webex) serve(m *machine) {
	m.t.Helper()
	host, _, _ := strings.Cut(webexAddress, ":")
	m.run("echo " + host + " " + strings.Join(webexNames, " ") + " >>/etc/hosts")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.certificate.Certificate[0]})
	m.run("cat >>/etc/ssl/certs/ca-certificates.crt <<'END'\n" + string(authority) + "END")
	m.serve(webexAddress, &http.Server{Handler: w, TLSConfig: &tls.Config{Certificates: []tls.Certificate{w.certificate}}})
}

// browser returns a client with the network and the certificates of a machine.
// It stays at the first answer, so that the address at which a person would end
// can be read.
func (w *webex) browser(m *machine) *http.Client {
	trusted := x509.NewCertPool()
	trusted.AddCert(w.certificate.Leaf)
	return &http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: trusted},
			DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
				if host, _, _ := strings.Cut(address, ":"); host == webexNames[0] {
					address = webexAddress
				}
				err = m.within(func() (err error) {
					conn, err = new(net.Dialer).DialContext(ctx, network, address)
					return err
				})
				return conn, err
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// consent does what a person does at a link to Webex, and returns the address
// to which Webex sends the browser.
func (w *webex) consent(m *machine, link string) string {
	m.t.Helper()
	answer, err := w.browser(m).PostForm(link, url.Values{"decision": {"accept"}})
	if err != nil {
		m.t.Fatal(err)
	}
	defer answer.Body.Close()
	address := answer.Header.Get("Location")
	if address == "" {
		page, _ := io.ReadAll(answer.Body)
		m.t.Fatalf("the page behind %s answers %s: %s", link, answer.Status, page)
	}
	return address
}
