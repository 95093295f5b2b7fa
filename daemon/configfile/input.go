package configfile

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/webfile"
)

// An input is a file that the daemon reads, runs or listens on. Nothing that it
// writes may take its place.
type input struct {
	path  string // may hold {{ .Grant }} where grant is a pattern; empty: there is none
	what  string
	grant *config.Grant // nil: no grant's own
}

// inputs lists what a configuration is made of and names, itself first.
func inputs(c *config.Config, d *disk) []input {
	list := []input{
		{c.Path, "this configuration", nil},
		{c.API.Socket, "the API socket", nil},
		{c.API.CredentialSocket, "the credential socket", nil},
		{c.Seal.KeyFile, "the store key", nil},
	}
	if s := c.Seal.Shared; s != nil {
		list = append(list, input{s.CAFile, "ca_file of etcd", nil}, input{s.CertFile, "cert_file of etcd", nil},
			input{s.KeyFile, "key_file of etcd", nil}, input{s.PasswordFile, "password_file of etcd", nil})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Integrations)) {
		i := c.Integrations[name]
		for _, s := range i.Secrets {
			if path, err := s.Location(); err == nil {
				list = append(list, input{path, fmt.Sprintf("a client secret of integration %q", i.Name), nil})
			}
		}
		list = append(list, input{i.ProxyCredentials.Path, fmt.Sprintf("proxy_credentials_file of integration %q", i.Name), nil})
		list = append(list, input{i.CAFile, fmt.Sprintf("ca_file of integration %q", i.Name), nil})
	}
	if c.HTTP != nil {
		list = append(list, input{c.HTTP.WebConfigFile, "web_config_file", nil})
	}
	if c.HTTP != nil && d != nil {
		for _, path := range certificates(d, c.HTTP) {
			list = append(list, input{path, "a file of web_config_file", nil})
		}
	}
	list = append(list, alertInputs(c.Alert)...)
	for _, g := range c.Grants {
		list = append(list, grantInputs(g)...)
	}
	return list
}

func alertInputs(a config.Alert) []input {
	var list []input
	if a.WebhookSecret != nil {
		list = append(list, input{a.WebhookSecret.Path, "the secret of the alert webhook", nil})
	}
	if len(a.Command) > 0 {
		list = append(list, input{filepath.Clean(a.Command[0]), "the program of the alert", nil})
	}
	return list
}

// grantInputs of an exact name have {{ .Grant }} filled in.
func grantInputs(g *config.Grant) []input {
	var list []input
	add := func(path, what string) {
		list = append(list, input{g.Named(path), fmt.Sprintf("%s of grant %q", what, g.Name), g})
	}
	if g.Seed != nil {
		add(g.Seed.File, "the seed")
	}
	for _, f := range g.Files {
		add(f.TemplateFile, "a template")
	}
	for _, h := range g.Hooks {
		if len(h.Command) > 0 {
			add(filepath.Clean(h.Command[0]), "the program of a hook")
		}
		add(h.PIDFile, "the pid_file of a hook")
	}
	return list
}

// certificates are the files that web_config_file names in turn. What is wrong
// with it is for the pages to say.
func certificates(d *disk, h *config.HTTP) []string {
	file, err := look(d, h.WebConfigFile, webfile.Read)
	if err != nil {
		return nil
	}
	return []string{file.TLS.CertFile, file.TLS.KeyFile, file.TLS.ClientCAFile}
}

// links remembers where folders really are.
type links map[string]string

// real is path without symbolic links in its folder, as far as that exists. What
// the path itself is does not matter: an output replaces it.
func (l links) real(d *disk, path string) string {
	folder := filepath.Dir(path)
	if path == folder {
		return path
	}
	known, ok := l[folder]
	if !ok {
		var err error
		if known, err = lookIn(d, folder, folder, filepath.EvalSymlinks); err != nil {
			known = l.real(d, folder)
		}
		l[folder] = known
	}
	return filepath.Join(known, filepath.Base(path))
}
