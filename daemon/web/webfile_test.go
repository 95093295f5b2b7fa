package web_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/web"
)

// What a start would refuse is not served after a change of the file either.
func TestAListenerBeyondLoopbackServesNobodyOnceItsFileLosesItsUsers(t *testing.T) {
	cert, key := certificate(t, t.TempDir())
	open := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n", cert, key)
	users := "basic_auth_users:\n  ada: " + hashOf(t, "lovelace") + "\n"
	file := writeFile(t, open+users)
	cfg := &config.Config{HTTP: &config.HTTP{Listen: "0.0.0.0:1", PublicURL: "https://tokens.example", WebConfigFile: file}}
	listener := listen(t) // on loopback all the same
	serve(t, listener, web.Config{Report: newFleet(3, time.Now()), Config: func() *config.Config { return cfg }, Rules: letsSee("ada", "ida")})
	for _, c := range []struct {
		name, content string
		served        bool
	}{
		{"as at the start", open + users, true},
		{"without users", open, false},
		{"without a certificate", users, false},
		{"half written", open[:20], false},
		{"as before", open + users, true},
	} {
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		if (err == nil) != c.served {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestHeadersOfTheFileAreSentBesideThoseOfThePages(t *testing.T) {
	listener := listen(t)
	cfg := parse(t, listener, "")
	cfg.HTTP.WebConfigFile = writeFile(t, "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=60\n    Content-Security-Policy: everything\n")
	serve(t, listener, web.Config{Report: newFleet(3, time.Now()), Config: func() *config.Config { return cfg }, Rules: letsSee("ada", "ida")})
	v := (&host{url: "http://" + listener.Addr().String()}).stranger(t)
	a := v.do(http.MethodGet, "/ui/", nil)
	if got := a.header.Get("Strict-Transport-Security"); got != "max-age=60" {
		t.Errorf("Strict-Transport-Security %q", got)
	}
	if got := a.header.Get("Content-Security-Policy"); got == "" || got == "everything" {
		t.Errorf("the policy of the pages was set aside: %q", got)
	}
}
