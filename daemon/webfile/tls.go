package webfile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
)

// TLS is the part about certificates. Each of certificate, key and authority is
// a file or stands in the text; the file goes first.
type TLS struct {
	Cert             string   `yaml:"cert"`
	CertFile         string   `yaml:"cert_file"`
	Key              Secret   `yaml:"key"`
	KeyFile          string   `yaml:"key_file"`
	ClientCA         string   `yaml:"client_ca"`
	ClientCAFile     string   `yaml:"client_ca_file"`
	ClientAuthType   string   `yaml:"client_auth_type"`
	ClientSANs       []string `yaml:"client_allowed_sans"` // names of which a client's certificate must have one; nil: any
	MinVersion       version  `yaml:"min_version"`
	MaxVersion       version  `yaml:"max_version"`
	CipherSuites     []cipher `yaml:"cipher_suites"`
	CurvePreferences []curve  `yaml:"curve_preferences"`
	// PreferServerCipherSuites has had no effect since Go 1.17.
	PreferServerCipherSuites bool `yaml:"prefer_server_cipher_suites"`
}

// Enabled reports whether the file asks for TLS, be it incompletely.
func (t *TLS) Enabled() bool {
	return t.Cert != "" || t.CertFile != "" || !t.Key.Empty() || t.KeyFile != "" ||
		t.ClientCA != "" || t.ClientCAFile != "" || t.ClientAuthType != ""
}

// Config reads certificate, key and authority as they are now.
func (t *TLS) Config() (*tls.Config, error) {
	if t.Cert == "" && t.CertFile == "" || t.Key.Empty() && t.KeyFile == "" {
		return nil, errors.New("tls_server_config needs a certificate and its key: cert_file and key_file")
	}
	cert, err := content(t.CertFile, t.Cert)
	if err != nil {
		return nil, fmt.Errorf("read cert_file: %w", err)
	}
	key, err := content(t.KeyFile, t.Key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("read key_file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("use certificate and key: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: uint16(t.MinVersion), MaxVersion: uint16(t.MaxVersion)}
	for _, suite := range t.CipherSuites {
		c.CipherSuites = append(c.CipherSuites, uint16(suite))
	}
	for _, id := range t.CurvePreferences {
		c.CurvePreferences = append(c.CurvePreferences, tls.CurveID(id))
	}
	if t.ClientSANs != nil {
		c.VerifyConnection = t.verifyName
	}
	return c, t.clients(c)
}

// clients sets what is asked of the other side.
func (t *TLS) clients(c *tls.Config) error {
	switch t.ClientAuthType {
	case "", "NoClientCert":
	case "RequestClientCert":
		c.ClientAuth = tls.RequestClientCert
	case "RequireAnyClientCert", "RequireClientCert": // the second is the older name
		c.ClientAuth = tls.RequireAnyClientCert
	case "VerifyClientCertIfGiven":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case "RequireAndVerifyClientCert":
		c.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return fmt.Errorf("there is no client_auth_type %q", t.ClientAuthType)
	}
	if t.ClientCA == "" && t.ClientCAFile == "" {
		return nil
	}
	if c.ClientAuth == tls.NoClientCert {
		return errors.New("client_ca_file needs a client_auth_type")
	}
	authorities, err := content(t.ClientCAFile, t.ClientCA)
	if err != nil {
		return fmt.Errorf("read client_ca_file: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(authorities) {
		return errors.New("client_ca_file holds no certificate")
	}
	return nil
}

// verifyName is asked at every connection, also where an earlier one goes on.
func (t *TLS) verifyName(c tls.ConnectionState) error {
	if len(c.PeerCertificates) == 0 {
		return nil // where one need not be shown
	}
	cert := c.PeerCertificates[0]
	names := slices.Concat(cert.DNSNames, cert.EmailAddresses)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	for _, uri := range cert.URIs {
		names = append(names, uri.String())
	}
	if !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(t.ClientSANs, name) }) {
		return errors.New("the client certificate has none of the names in client_allowed_sans")
	}
	return nil
}

func content(path, text string) ([]byte, error) {
	if path == "" {
		return []byte(text), nil
	}
	return os.ReadFile(path)
}

type (
	version uint16
	cipher  uint16
	curve   tls.CurveID
)

func defaultVersions() (least, most version) { return tls.VersionTLS12, tls.VersionTLS13 }

// UnmarshalText takes the names of the form, such as TLS12.
func (v *version) UnmarshalText(text []byte) error {
	i := slices.Index([]string{"TLS10", "TLS11", "TLS12", "TLS13"}, string(text))
	if i < 0 {
		return fmt.Errorf("there is no TLS version %q", text)
	}
	*v = version(tls.VersionTLS10 + i)
	return nil
}

// UnmarshalText takes Go's names of those suites that are not broken.
func (c *cipher) UnmarshalText(text []byte) error {
	for _, suite := range tls.CipherSuites() {
		if suite.Name == string(text) {
			*c = cipher(suite.ID)
			return nil
		}
	}
	return fmt.Errorf("there is no cipher suite %q", text)
}

// UnmarshalText takes the names of the form, which are Go's older ones.
func (c *curve) UnmarshalText(text []byte) error {
	for _, id := range []tls.CurveID{tls.CurveP256, tls.CurveP384, tls.CurveP521, tls.X25519} {
		if id.String() == string(text) {
			*c = curve(id)
			return nil
		}
	}
	return fmt.Errorf("there is no curve %q", text)
}
