package configfile_test

import (
	"testing"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/configfile"
)

func TestWebPagesAreForThisHostUnlessToldOtherwise(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         *config.HTTP
		loopback     bool
	}{
		{"without a block there are none", ``, nil, false},
		{"an empty block", `http {}`, &config.HTTP{Listen: "127.0.0.1:8411", PublicURL: "http://127.0.0.1:8411"}, true},
		{"another port moves the public URL", "http {\nlisten = \"[::1]:80\"\n}",
			&config.HTTP{Listen: "[::1]:80", PublicURL: "http://[::1]:80"}, true},
		{"a proxy in front", "http {\npublic_url = \"https://tokens.example/\"\n}",
			&config.HTTP{Listen: "127.0.0.1:8411", PublicURL: "https://tokens.example"}, true},
		{"the network, with TLS and users", "http {\nlisten = \":443\"\npublic_url = \"https://tokens.example\"\nweb_config_file = \"/etc/web.yml\"\n}",
			&config.HTTP{Listen: ":443", PublicURL: "https://tokens.example", WebConfigFile: "/etc/web.yml"}, false},
		{"a certificate makes the public URL https", "http {\nweb_config_file = \"/etc/web.yml\"\n}",
			&config.HTTP{Listen: "127.0.0.1:8411", PublicURL: "https://127.0.0.1:8411", WebConfigFile: "/etc/web.yml"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := configfile.Parse([]byte(c.source), "config.hcl")
			if err != nil {
				t.Fatal(err)
			}
			if c.want == nil {
				if cfg.HTTP != nil {
					t.Errorf("got %+v", cfg.HTTP)
				}
				return
			}
			if *cfg.HTTP != *c.want || cfg.HTTP.Loopback() != c.loopback {
				t.Errorf("got %+v, want %+v", *cfg.HTTP, *c.want)
			}
		})
	}
}
