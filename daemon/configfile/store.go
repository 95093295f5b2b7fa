package configfile

import (
	"net"
	"os"
	"strings"

	"webex-tokend/daemon/attribute"
	"webex-tokend/daemon/config"
)

// read returns nil for a store that is a file of this host, which needs no block.
func (b *storeBlock) read(r *reader) *config.Shared {
	if b == nil {
		return nil
	}
	engine := r.Choice(b.Engine, "", "bbolt", "etcd")
	if engine == "" && (b.Engine == nil || b.Etcd == nil) { // an unknown one does not hide faults of its block
		engine = "bbolt"
	}
	switch {
	case engine == "bbolt" && b.Etcd != nil:
		r.Fault(b.Etcd.At, "etcd is configured and not used", `Write engine = "etcd", or take the block away.`)
		return nil
	case engine == "bbolt":
		return nil
	case b.Etcd == nil:
		r.Fault(b.At, "engine etcd without its block", "Say where it is: etcd { endpoints = [...], prefix = \"webex-tokend/prod/\" }.")
		return nil
	}
	name, _ := os.Hostname()
	s := &config.Shared{Host: r.Text(b.Host, name)}
	if s.Host == "" || strings.ContainsAny(s.Host, "/ \t\n") {
		at := b.At
		if b.Host != nil {
			at = b.Host.Expr.Range()
		}
		r.Fault(at, "host is no name", "Give this host a name without blanks and slashes that no other host of the cluster has.")
	}
	b.Etcd.read(r, s)
	return s
}

func (b *etcdBlock) read(r *reader, s *config.Shared) {
	s.Prefix = r.Text(b.Prefix, "webex-tokend/")
	if !strings.HasSuffix(s.Prefix, "/") {
		r.Fault(b.Prefix.Expr.Range(), "prefix does not end with a slash", "Keys of another program could begin alike: write \""+s.Prefix+"/\".")
	}
	endpoints := r.Some(b.Endpoints, b.At, "endpoints", "Name the client URLs of all members of the etcd cluster.")
	for _, e := range endpoints {
		s.Endpoints = append(s.Endpoints, b.endpoint(r, e))
	}
	s.CAFile, s.CertFile, s.KeyFile = r.Path(b.CAFile, ""), r.Path(b.CertFile, ""), r.Path(b.KeyFile, "")
	if b.CAFile != nil {
		r.disk.certificates(b.CAFile, s.CAFile)
	}
	if (s.CertFile == "") != (s.KeyFile == "") {
		r.Fault(b.At, "cert_file and key_file go together", "Name both, or neither.")
	}
	if b.CertFile != nil {
		r.disk.readable(b.CertFile, s.CertFile)
	}
	if b.KeyFile != nil {
		r.disk.readable(b.KeyFile, s.KeyFile)
	}
	s.Username, s.PasswordFile = r.Text(b.Username, ""), r.Path(b.PasswordFile, "")
	if (s.Username == "") != (s.PasswordFile == "") {
		r.Fault(b.At, "username and password_file go together", "Name both, or neither.")
	}
	if b.PasswordFile != nil {
		r.disk.readable(b.PasswordFile, s.PasswordFile)
	}
}

// endpoint refuses what would send tokens in the clear to another machine.
func (b *etcdBlock) endpoint(r *reader, e attribute.Item) string {
	scheme, rest, _ := strings.Cut(e.Text, "://")
	host, _, err := net.SplitHostPort(rest)
	ip := net.ParseIP(host)
	switch {
	case scheme != "http" && scheme != "https" || err != nil || host == "":
		r.Fault(e.At, "endpoint is not a URL of a member", "Write https://HOST:2379.")
	case scheme == "http" && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		r.Fault(e.At, "endpoint without TLS on another machine", "Give etcd a certificate and write https://; http:// is for loopback alone.")
	}
	return strings.TrimSuffix(e.Text, "/")
}
