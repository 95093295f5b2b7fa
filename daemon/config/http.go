package config

import (
	"net"
	"net/netip"
)

// HTTP is the listener of the web pages.
type HTTP struct {
	Listen string // host:port
	// PublicURL is the origin under which browsers get there, without a final
	// slash: scheme, host and, unless it is the scheme's own, port.
	PublicURL string
	// WebConfigFile has the form of the Prometheus exporter-toolkit: TLS and
	// users of basic authentication. Empty: neither.
	WebConfigFile string
}

// Loopback reports whether only this host can connect.
func (h *HTTP) Loopback() bool {
	host, _, _ := net.SplitHostPort(h.Listen)
	return LoopbackHost(host)
}

// LoopbackHost reports whether a host of a URL or listener is this one alone.
func LoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
