package web_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
	"webex-tokend/daemon/report"
	"webex-tokend/daemon/web"
)

// letsSee lets users of web_config_file and of certificates see all grants.
func letsSee(names ...string) func() *acl.Rules {
	return rulesOf(acl.Block{WebUsers: names, ClientNames: names, Actions: []acl.Action{acl.Status}, Grants: []string{"*"}})
}

func rulesOf(blocks ...acl.Block) func() *acl.Rules {
	rules := acl.New(acl.Config{Blocks: blocks})
	return func() *acl.Rules { return rules }
}

// Whoever had a password or a certificate of web_config_file, a Prometheus as a
// rule, could begin consents and so take grants over.
func TestUsersOfTheFileMayDoWhatRulesSayAndElseReadMetricsAlone(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	authority, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	source := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: %s\nbasic_auth_users:\n", cert, key, cert)
	hash := hashOf(t, "secret")
	for _, name := range []string{"grafana", "tenant", "viewer", "boss", "root"} {
		source += "  " + name + ": " + hash + "\n"
	}
	listener := listen(t)
	cfg, err := configfile.Parse(fmt.Appendf(nil, "http {\nlisten = %q\nweb_config_file = %q\n}\n", listener.Addr(), writeFile(t, source)), "test.hcl")
	if err != nil {
		t.Fatal(err)
	}
	block := func(action acl.Action, grants string, users, clients []string) acl.Block {
		return acl.Block{WebUsers: users, ClientNames: clients, Actions: []acl.Action{action}, Grants: []string{grants}}
	}
	serve(t, listener, web.Config{
		Report: newFleet(3, time.Now()), Config: func() *config.Config { return cfg },
		Metrics: func(view report.View) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for _, name := range []string{"ops", "tenant-1"} {
					if view == nil || view(name) {
						fmt.Fprintln(w, name)
					}
				}
			})
		},
		Rules: rulesOf(
			block(acl.Metrics, "tenant-*", []string{"tenant"}, nil),
			block(acl.Status, "*", []string{"viewer"}, nil),
			block(acl.Admin, "*", []string{"boss"}, []string{"boss.example"}),
			// Users of the host are others, whatever they are called.
			acl.Block{Users: []string{"0", "root"}, Actions: []acl.Action{acl.Admin}, Grants: []string{"*"}},
		),
	})
	roots := x509.NewCertPool()
	roots.AddCert(authority.Leaf)
	for _, c := range []struct {
		name, user, client string
		figures            string
		list, explain      int // statuses
	}{
		{"a user whom no rule names", "grafana", "", "ops tenant-1", 403, 403},
		{"a user named as one of the host is", "root", "", "ops tenant-1", 403, 403},
		{"figures of some grants", "tenant", "", "tenant-1", 403, 403},
		{"a user who may see", "viewer", "", "ops tenant-1", 200, 403},
		{"an admin", "boss", "", "ops tenant-1", 200, 404},
		{"a certificate that no rule names", "", "prometheus.example", "ops tenant-1", 403, 403},
		{"a certificate with the name of a user", "", "boss", "ops tenant-1", 403, 403},
		{"a certificate without a name", "", "", "ops tenant-1", 403, 403},
		{"a certificate of an admin", "", "boss.example", "ops tenant-1", 200, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings := &tls.Config{RootCAs: roots}
			if c.user == "" {
				settings.Certificates = []tls.Certificate{issue(t, authority, c.client)}
			}
			transport := &http.Transport{TLSClientConfig: settings}
			t.Cleanup(transport.CloseIdleConnections)
			ask := func(method, path string) (int, string) {
				r, err := http.NewRequestWithContext(t.Context(), method, "https://"+listener.Addr().String()+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if c.user != "" {
					r.SetBasicAuth(c.user, "secret")
				}
				answer, err := transport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				body, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				return answer.StatusCode, string(body)
			}
			if status, body := ask("GET", "/metrics"); status != 200 || strings.Join(strings.Fields(body), " ") != c.figures {
				t.Errorf("figures: %d %q", status, body)
			}
			for path, want := range map[string]int{"/ui/": c.list, "/": map[int]int{200: 303, 403: 403}[c.list],
				"/ui/grants/crm-tenant-0000": c.list, "/ui/grants/crm-tenant-0000/authorize": c.explain} {
				if status, body := ask("GET", path); status != want {
					t.Errorf("%s: got %d\n%s", path, status, body)
				}
			}
			if c.list == 403 {
				if status, _ := ask("GET", "/ui/events"); status != 403 {
					t.Errorf("events: got %d", status)
				}
			}
			for _, path := range []string{"/ui/grants/crm-tenant-0000/authorize", "/ui/grants/crm-tenant-0000/link"} {
				if status, _ := ask("POST", path); status != 403 { // an admin has no token of a form
					t.Errorf("POST %s: got %d", path, status)
				}
			}
		})
	}
}
