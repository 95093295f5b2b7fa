// Package toolkit compares the web_config_file with the library whose form it
// is. It is a module of its own, so that the daemon needs none of that library.
package toolkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/web"
	"webex-tokend/daemon/webfile"
)

const tlsPart = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"

// documents are what the two must agree on: each key with each kind of value,
// and what people write.
func documents(t *testing.T, folder string) []string {
	hash, err := bcrypt.GenerateFromPassword([]byte("lovelace"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{"", "# nothing\n", "---\n", "null\n", "text\n", "[]\n", "{}\n", "\t\n", "tls_server_config: {}\n",
		"basic_auth_user: {}\n", "basic_auth_users:\n  ada: lovelace\n",
		"basic_auth_users:\n  ada: " + string(hash) + "\n", "basic_auth_users:\n  ada: " + string(hash) + "\n  ada: " + string(hash) + "\n",
		tlsPart, tlsPart + tlsPart, tlsPart + "http_server_config:\n  http2: false\n",
		"tls_server_config:\n  cert_file: nowhere.pem\n  key_file: key.pem\n",
		"tls_server_config:\n  cert_file: key.pem\n  key_file: cert.pem\n",
		"tls_server_config:\n  cert_file: cert.pem\n", "tls_server_config:\n  key_file: key.pem\n",
		"base: &base\n  cert_file: cert.pem\ntls_server_config:\n  <<: *base\n  key_file: key.pem\n",
		"tls_server_config:\n  <<: {cert_file: cert.pem}\n  key_file: key.pem\n",
	}
	for _, name := range []string{"cert.pem", "key.pem"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		inline := "    " + strings.ReplaceAll(strings.TrimSpace(string(content)), "\n", "\n    ") + "\n"
		key, _, _ := strings.Cut(name, ".")
		other := map[string]string{"cert": "key", "key": "cert"}[key]
		list = append(list, "tls_server_config:\n  "+key+": |\n"+inline+"  "+other+"_file: "+other+".pem\n",
			tlsPart+"  client_auth_type: RequireAndVerifyClientCert\n  client_ca: |\n"+inline)
	}
	values := []string{"", "~", "null", "true", "yes", "off", "0", "1", "771", "1.5", "0x303", "1s", "10", "-1", "text", "\"\"", "\"TLS12\"", "TLS10", "TLS11",
		"TLS12", "TLS13", "tls13", "[]", "{}", "[text]", "[~]", "[TLS_AES_128_GCM_SHA256]", "[TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
		"[TLS_RSA_WITH_RC4_128_SHA]", "[CurveP256, X25519]", "[X25519MLKEM768]", "[CurveP384, CurveP521]", "CurveP256", "NoClientCert", "RequestClientCert", "RequireAnyClientCert",
		"RequireClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert", "requireclientcert", "cert.pem", "key.pem", "nosniff", "deny", "max-age=1",
		"{X-Frame-Options: deny}", "{X-Frame-Options: allow}", "{X-Content-Type-Options: nosniff}", "{X-Content-Type-Options: \"\"}", "{Strict-Transport-Security: x}",
		"{strict-transport-security: x}", "{Server: x}", "{X-XSS-Protection: 1, Content-Security-Policy: y}", "{X-Frame-Options: ~}", "{a: b, a: c}", "2015-01-01"}
	for _, key := range []string{"cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file", "client_auth_type", "client_allowed_sans", "min_version", "max_version",
		"cipher_suites", "curve_preferences", "prefer_server_cipher_suites", "unknown"} {
		for _, value := range values {
			list = append(list, "tls_server_config:\n  "+key+": "+value+"\n")
			if !strings.HasSuffix(key, "_file") {
				list = append(list, tlsPart+"  "+key+": "+value+"\n")
			}
			if strings.HasPrefix(key, "client") {
				list = append(list, tlsPart+"  client_auth_type: VerifyClientCertIfGiven\n  "+key+": "+value+"\n",
					tlsPart+"  client_ca_file: cert.pem\n  "+key+": "+value+"\n")
			}
		}
	}
	for _, section := range []string{"tls_server_config", "http_server_config:\n  http2", "http_server_config:\n  headers", "http_server_config", "http_server_config:\n  http3",
		"basic_auth_users", "basic_auth_users:\n  ada", "basic_auth_users:\n  1"} {
		for _, value := range values {
			list = append(list, section+": "+value+"\n")
		}
	}
	return list
}

var empty = regexp.MustCompile(`(^|[:-]) *(~|null|\[~\]|\{X-Frame-Options: ~\})?$`)

// stricter are the documents that the library takes and we do not, with the
// reason: each would leave a door open, or the file half read.
func stricter(document string) []string {
	var reasons []string
	if strings.Contains(document, "client_ca") && !strings.Contains(document, "client_ca_file: cert.pem") {
		reasons = append(reasons, "holds no certificate")
	}
	// Against no authority of its own, the library asks the system's.
	if strings.Contains(document, "VerifyClientCertIfGiven") || strings.Contains(document, "RequireAndVerifyClientCert") {
		reasons = append(reasons, "needs a client_ca_file")
	}
	return reasons
}

func TestTheFileIsTakenAndRefusedAsByTheLibrary(t *testing.T) {
	folder := place(t)
	path := filepath.Join(folder, "web.yml")
	compared, taken, refused := 0, 0, 0
	for _, document := range documents(t, folder) {
		write(t, path, document)
		theirs, ours := toolkit.Validate(path), web.Check(&config.HTTP{Listen: "127.0.0.1:1", WebConfigFile: path})
		if theirs == nil {
			taken++
		} else {
			refused++
		}
		said := func(reason string) bool { return ours != nil && strings.Contains(ours.Error(), reason) }
		if theirs == nil && slices.ContainsFunc(stricter(document), said) {
			continue
		}
		if (theirs == nil) != (ours == nil) {
			t.Errorf("the library says %v, we say %v:\n%s", theirs, ours, document)
			continue
		}
		// A key without a value sets the default aside in the library.
		if ours == nil && !empty.MatchString(strings.TrimSpace(document)) {
			same(t, path, document)
			compared++
		}
	}
	t.Logf("%d taken, %d refused, %d compared", taken, refused, compared)
	if compared < 100 || taken < 100 || refused < 100 {
		t.Errorf("%d taken, %d refused, %d compared: that is little", taken, refused, compared)
	}
}

// same compares what follows from a file that both take.
func same(t *testing.T, path, document string) {
	t.Helper()
	theirs := toolkit.Config{TLSConfig: toolkit.TLSConfig{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}, HTTPConfig: toolkit.HTTPConfig{HTTP2: true}}
	if err := yaml.UnmarshalStrict([]byte(document), &theirs); err != nil {
		t.Fatal(err)
	}
	theirs.TLSConfig.SetDirectory(filepath.Dir(path))
	ours, err := webfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	users := make(map[string]string)
	for name, hash := range theirs.Users {
		users[name] = string(hash)
	}
	for name, hash := range ours.Users {
		if users[name] != hash.Reveal() {
			t.Errorf("another password of %s:\n%s", name, document)
		}
	}
	if len(users) != len(ours.Users) || theirs.HTTPConfig.HTTP2 != ours.HTTP.HTTP2 || fmt.Sprint(theirs.HTTPConfig.Header) != fmt.Sprint(ours.HTTP.Headers) ||
		theirs.TLSConfig.IsEnabled() != ours.TLS.Enabled() {
		t.Errorf("the library reads %+v, we read %+v:\n%s", theirs, ours, document)
	}
	if !ours.TLS.Enabled() {
		return
	}
	a, err := toolkit.ConfigToTLSConfig(&theirs.TLSConfig)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ours.TLS.Config()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := a.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.MinVersion != b.MinVersion || a.MaxVersion != b.MaxVersion || a.ClientAuth != b.ClientAuth || !slices.Equal(a.CipherSuites, b.CipherSuites) ||
		!slices.Equal(a.CurvePreferences, b.CurvePreferences) || !a.ClientCAs.Equal(b.ClientCAs) || !cert.Leaf.Equal(b.Certificates[0].Leaf) ||
		(a.VerifyPeerCertificate == nil) != (b.VerifyConnection == nil) {
		t.Errorf("the two make different configurations of\n%s", document)
	}
}

// The two servers stand side by side while their files change, and every client
// fares the same with both.
func TestChangedFilesHoldForTheNextConnectionAsWithTheLibrary(t *testing.T) {
	folder := place(t)
	path := filepath.Join(folder, "web.yml")
	write(t, path, tlsPart)
	addresses := []string{serveTheirs(t, path), serveOurs(t, path)}
	first, err := tls.LoadX509KeyPair(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]*tls.Config{
		"any":                {NextProtos: []string{"h2", "http/1.1"}},
		"TLS 1.2":            {MaxVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
		"TLS 1.1":            {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"P-256":              {CurvePreferences: []tls.CurveID{tls.CurveP256}},
		"with certificate":   {Certificates: []tls.Certificate{first}},
		"with a foreign one": {GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { c := pair(t); return &c, nil }},
	}
	fates := make(map[string]bool)
	for _, step := range []struct {
		name   string
		change func()
	}{
		{"as at the start", func() {}},
		{"another certificate", func() { renew(t, folder) }},
		{"a certificate that is none", func() { write(t, filepath.Join(folder, "cert.pem"), "none") }},
		{"a certificate again", func() { renew(t, folder) }},
		{"TLS 1.3 alone", func() { write(t, path, tlsPart+"  min_version: TLS13\n") }},
		{"TLS 1.0 as well", func() { write(t, path, tlsPart+"  min_version: TLS10\n  max_version: TLS12\n") }},
		{"a curve", func() { write(t, path, tlsPart+"  curve_preferences: [CurveP384]\n") }},
		{"clients need a certificate", func() {
			writePair(t, folder, "people", first)
			write(t, path, tlsPart+"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: people.pem\n")
		}},
		{"of another name", func() {
			write(t, path, tlsPart+"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: people.pem\n  client_allowed_sans: [somebody]\n")
		}},
		{"of that name", func() {
			write(t, path, tlsPart+"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: people.pem\n  client_allowed_sans: [\"127.0.0.1\"]\n")
		}},
		{"a misspelt key", func() { write(t, path, tlsPart+"  cert_fil: x\n") }},
		{"half a file", func() { write(t, path, "tls_server_conf") }},
		{"as before", func() { write(t, path, tlsPart) }},
	} {
		step.change()
		for name, client := range clients {
			theirs, ours := fate(t, addresses[0], client), fate(t, addresses[1], client)
			if theirs != ours {
				t.Errorf("%s, client %s: with the library %s, with us %s", step.name, name, theirs, ours)
			}
			fates[ours] = true
		}
	}
	if len(fates) < 6 {
		t.Errorf("only these came out: %v", fates)
	}
}

// fate is what a client gets: what was agreed on, or that it was refused.
func fate(t *testing.T, address string, client *tls.Config) string {
	t.Helper()
	client = client.Clone()
	client.InsecureSkipVerify = true // the certificate is compared below
	c, err := tls.Dial("tcp", address, client)
	if err != nil {
		return "refused"
	}
	defer c.Close()
	// With TLS 1.3 a server refuses a client's certificate after the handshake.
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	state := c.ConnectionState()
	if state.NegotiatedProtocol != "h2" {
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: "+address+"\r\nConnection: close\r\n\r\n"); err != nil {
			return "refused"
		}
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return "refused"
	}
	return fmt.Sprint(state.Version, state.CurveID, state.NegotiatedProtocol, state.PeerCertificates[0].SerialNumber)
}

func serveTheirs(t *testing.T, path string) string {
	t.Helper()
	l := listen(t)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go toolkit.Serve(l, server, &toolkit.FlagConfig{WebConfigFile: &path}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { server.Close() })
	return l.Addr().String()
}

func serveOurs(t *testing.T, path string) string {
	t.Helper()
	l := listen(t)
	c, err := configfile.Parse(fmt.Appendf(nil, "http {\n  listen = %q\n  web_config_file = %q\n}\n", l.Addr(), path), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	server, err := web.New(web.Config{Config: func() *config.Config { return c }})
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Shutdown(t.Context()) })
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// place is a folder with a certificate and its key.
func place(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	renew(t, folder)
	return folder
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// renew puts another pair in the place of the one that is served.
func renew(t *testing.T, folder string) {
	t.Helper()
	p := pair(t)
	writePair(t, folder, "cert", p)
	secret, err := x509.MarshalPKCS8PrivateKey(p.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func writePair(t *testing.T, folder, name string, p tls.Certificate) {
	t.Helper()
	write(t, filepath.Join(folder, name+".pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate[0]})))
}

// pair makes a certificate for loopback that is its own authority.
func pair(t *testing.T) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "loopback"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}
