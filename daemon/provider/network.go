package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
)

// unprepared is a request that this machine's configuration stands against.
func unprepared(err error) *Failure {
	return &Failure{Kind: Misconfigured, Code: "transport_unusable", Description: scrubber{}.clean(err.Error(), maxDescription)}
}

func cancelled() *Failure { return &Failure{Code: "cancelled"} }

// unanswered is a request that brought no HTTP status. Its text is passed on
// only while nothing was sent: later an error can quote what the peer wrote,
// and a peer can write back what it was sent.
func unanswered(err error, sent bool) *Failure {
	f := &Failure{Sent: sent, Code: networkCode(err, sent)}
	if !sent && f.Code != "cancelled" {
		f.Description = scrubber{}.clean(reasonOf(err), maxDescription)
	}
	return f
}

// reasonOf is the text of an error, with what helps against a certificate of an
// authority that nobody here trusts: it is a private one, or that of a device
// which opens TLS on its way.
func reasonOf(err error) string {
	unknown, ok := errors.AsType[x509.UnknownAuthorityError](err)
	if !ok || unknown.Cert == nil {
		return err.Error()
	}
	return "the certificate is of an unknown authority, " + scrubber{}.clean(unknown.Cert.Issuer.String(), maxIssuer) +
		": if it is yours, or of a proxy that intercepts TLS, name it in ca_file"
}

// maxIssuer leaves room for the advice behind the name, in bytes.
const maxIssuer = 80

// networkCode is our own word for what went wrong on the way.
func networkCode(err error, sent bool) string {
	if errors.Is(err, context.Canceled) {
		return "cancelled"
	}
	if _, ok := errors.AsType[*proxyError](err); ok {
		return "proxy_refused"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "dns_failed"
	}
	if dialing(err) {
		return "connect_failed"
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "timeout"
	}
	switch {
	case isTLS(err):
		return "tls_failed"
	case sent:
		return "connection_lost"
	}
	return "connect_failed"
}

// dialing reports that no connection came about.
func dialing(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect") && !op.Timeout()
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return true
	}
	// The names that package tls gives to the operation of an alert.
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	return errors.Is(err, http.ErrSchemeMismatch) || strings.HasPrefix(err.Error(), "tls: ")
}
