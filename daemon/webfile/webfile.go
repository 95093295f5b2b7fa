// Package webfile reads a web_config_file: TLS and users of a listener. Its form
// is that of Prometheus' exporter-toolkit, docs/web-configuration.md there, and
// the module in toolkit compares it with that library.
package webfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"webex-tokend/store"
)

// A File has the content of a web_config_file. Paths in it are absolute, or relative
// to the folder of the process when that of the file was.
type File struct {
	TLS  TLS  `yaml:"tls_server_config"`
	HTTP HTTP `yaml:"http_server_config"`
	// Rate is read so that a file of another exporter is no fault. Nothing
	// follows from it: the daemon has bounds of its own.
	Rate any `yaml:"rate_limit"`
	// Users are names with the bcrypt hashes of their passwords.
	Users map[string]Secret `yaml:"basic_auth_users"`
}

// HTTP is the part about HTTP itself.
type HTTP struct {
	HTTP2   bool              `yaml:"http2"` // over TLS; true where the file does not say
	Headers map[string]string `yaml:"headers"`
}

// A Secret is a store.Secret that is read from YAML.
type Secret struct{ store.Secret }

// UnmarshalYAML takes one text.
func (s *Secret) UnmarshalYAML(n *yaml.Node) error {
	var text string
	err := n.Decode(&text)
	s.Secret = store.NewSecret(text)
	return err
}

// Read is strict, so that a misspelt key does not leave a door open. It reads
// none of the files that are named in turn.
func Read(path string) (File, error) {
	file := defaults()
	content, err := os.ReadFile(path)
	if err != nil {
		return file, err
	}
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return defaults(), err
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return defaults(), errors.New("it holds more than one document")
	}
	for _, p := range []*string{&file.TLS.CertFile, &file.TLS.KeyFile, &file.TLS.ClientCAFile} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(path), *p)
		}
	}
	return file, checkHeaders(file.HTTP.Headers)
}

func defaults() File {
	file := File{HTTP: HTTP{HTTP2: true}}
	file.TLS.MinVersion, file.TLS.MaxVersion = defaultVersions()
	return file
}

// checkHeaders knows the headers that the form allows, and their values where
// those are few.
func checkHeaders(headers map[string]string) error {
	for name, value := range headers {
		switch name {
		case "Strict-Transport-Security", "X-XSS-Protection", "Content-Security-Policy":
			continue
		case "X-Content-Type-Options":
			if value == "nosniff" {
				continue
			}
		case "X-Frame-Options":
			if value == "deny" || value == "sameorigin" {
				continue
			}
		default:
			return fmt.Errorf("header %q cannot be configured", name)
		}
		return fmt.Errorf("header %s cannot be %q", name, value)
	}
	return nil
}
