package etcdkv

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// tls returns how connections are made; nil: in the clear, on this machine
// alone, which the configuration sees to. Every file is read again for each
// connection, so that a renewed certificate needs no restart.
func (c *Config) tls() (*tls.Config, error) {
	if c.CAFile == "" && c.CertFile == "" && !c.secured() {
		return nil, nil
	}
	if _, err := c.roots(); err != nil {
		return nil, err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CertFile != "" {
		if _, err := c.certificate(nil); err != nil {
			return nil, err
		}
		secure.GetClientCertificate = c.certificate
	}
	if c.CAFile != "" {
		// The library verifies against authorities that it was given once. Here
		// the same check follows its handshake, against those of this moment.
		secure.InsecureSkipVerify = true
		secure.VerifyConnection = c.verify
	}
	return secure, nil
}

func (c *Config) secured() bool {
	for _, url := range c.Endpoints {
		if strings.HasPrefix(url, "https://") {
			return true
		}
	}
	return false
}

func (c *Config) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate for etcd: %w", err)
	}
	return &pair, nil
}

func (c *Config) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read authorities of etcd: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read authorities of etcd: %s has no certificate", c.CAFile)
	}
	return pool, nil
}

func (c *Config) verify(state tls.ConnectionState) error {
	roots, err := c.roots()
	if err != nil {
		return err
	}
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	rest := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		rest.AddCert(cert)
	}
	if _, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: rest, DNSName: state.ServerName}); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
	}
	return nil
}

func (c *Config) password() (string, error) {
	if c.PasswordFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password for etcd: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
