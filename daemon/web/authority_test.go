package web_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/web"
)

// Without client_ca_file, a certificate of any authority that the system trusts
// let its holder in, with all rights.
func TestClientCertificatesCountOnlyAgainstAnAuthorityOfTheFile(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	for clients, refused := range map[string]bool{
		"RequireAndVerifyClientCert": true, "VerifyClientCertIfGiven": true, "RequestClientCert": false, "NoClientCert": false,
	} {
		path := filepath.Join(dir, "web.yml")
		text := "tls_server_config:\n  cert_file: " + cert + "\n  key_file: " + key + "\n  client_auth_type: " + clients + "\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := web.Check(&config.HTTP{Listen: "127.0.0.1:0", PublicURL: "https://127.0.0.1", WebConfigFile: path})
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "client_ca_file") {
			t.Errorf("%s without client_ca_file: %v", clients, err)
		}
	}
}
