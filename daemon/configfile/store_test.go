package configfile

import (
	"errors"
	"strings"
	"testing"
)

func TestABlockOfAStoreThatIsNotWholeIsAFault(t *testing.T) {
	etcd := func(lines string) string {
		return "store {\n  engine = \"etcd\"\n  host = \"int-1\"\n  etcd {\n" + lines + "\n  }\n}\n"
	}
	for _, c := range []struct{ name, text, says string }{
		{"an engine that is none", `store { engine = "redis" }`, "engine"},
		{"etcd without its block", `store { engine = "etcd" }`, "engine etcd without its block"},
		{"a block that is not used", "store {\n  etcd {\n    endpoints = [\"https://a:2379\"]\n  }\n}", "etcd is configured and not used"},
		{"no endpoints", etcd(""), "endpoints"},
		{"endpoints that are empty", etcd("endpoints = []"), "endpoints"},
		{"an endpoint without a scheme", etcd(`endpoints = ["etcd-1:2379"]`), "not a URL of a member"},
		{"an endpoint without a port", etcd(`endpoints = ["https://etcd-1"]`), "not a URL of a member"},
		{"in the clear to another machine", etcd(`endpoints = ["http://etcd-1:2379"]`), "without TLS on another machine"},
		{"in the clear to an address", etcd(`endpoints = ["http://10.0.0.1:2379"]`), "without TLS on another machine"},
		{"a prefix that others could share", etcd("endpoints = [\"https://a:2379\"]\nprefix = \"webex\""), "prefix does not end with a slash"},
		{"a certificate without its key", etcd("endpoints = [\"https://a:2379\"]\ncert_file = \"/c.pem\""), "go together"},
		{"a user without a password", etcd("endpoints = [\"https://a:2379\"]\nusername = \"u\""), "go together"},
		{"a password in the text", etcd("endpoints = [\"https://a:2379\"]\npassword = \"p\""), "password"},
		{"a host that is no name", strings.Replace(etcd(`endpoints = ["https://a:2379"]`), "int-1", "int/1", 1), "host is no name"},
	} {
		_, err := Parse([]byte(c.text), "config.hcl")
		faults, ok := errors.AsType[*Faults](err)
		if !ok || !strings.Contains(strings.Join(faults.Lines(), "\n"), c.says) {
			t.Errorf("%s: it says %v", c.name, err)
		}
	}
}

func TestAStoreThatHostsShareIsReadAsWritten(t *testing.T) {
	for _, url := range []string{"https://etcd-1:2379", "http://127.0.0.1:2379", "http://[::1]:2379", "http://localhost:2379/"} {
		c, err := Parse([]byte("store {\n  engine = \"etcd\"\n  host = \"int-1\"\n  etcd {\n    endpoints = [\""+url+"\"]\n    prefix = \"a/\"\n  }\n}"), "config.hcl")
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if s := c.Seal.Shared; s == nil || s.Host != "int-1" || s.Prefix != "a/" || s.Endpoints[0] != strings.TrimSuffix(url, "/") {
			t.Errorf("%s: read is %+v", url, s)
		}
	}
	for _, text := range []string{"", "store {\n}", `store { engine = "bbolt" }`} {
		if c, err := Parse([]byte(text), "config.hcl"); err != nil || c.Seal.Shared != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
