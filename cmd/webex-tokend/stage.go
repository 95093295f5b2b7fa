package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"webex-tokend/daemon/emulator"
	"webex-tokend/store/seal"
)

// A stage is the folder with the emulator and the places of the daemons.
type stage struct {
	folder    string
	places    []place
	etcd      []string // URLs of the servers that several daemons share; none for one
	announced emulator.Announcement
	emulator  *http.Server
}

// A place is that of one daemon.
type place struct {
	host                   string // its name among several
	folder, config, socket string
	pages                  string // where its web pages are, http://host:port
}

// mostDemoHosts is how many daemons a demonstration may have.
const mostDemoHosts = 9

// setStage uses short lives that keep the order of the real ones: 2 hours and
// 60 days become 12 seconds and 2 hours, 14 and 90 days 20 seconds and 3 hours.
func setStage(hosts int) (*stage, error) {
	folder, err := os.MkdirTemp("", "webex-tokend-demo-")
	if err != nil {
		return nil, fmt.Errorf("make demo folder: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the emulator: %w", err)
	}
	s := &stage{folder: folder}
	var redirects []string
	for i := range hosts {
		p := place{host: fmt.Sprintf("host-%d", i+1), folder: folder}
		if hosts > 1 {
			p.folder = filepath.Join(folder, p.host)
		}
		p.config, p.socket = filepath.Join(p.folder, "config.hcl"), filepath.Join(p.folder, "run", "api.sock")
		if p.pages, err = vacant(); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		s.places, redirects = append(s.places, p), append(redirects, p.pages+demoRedirect)
	}
	for i := 0; hosts > 1 && i < demoEtcds; i++ {
		url, err := vacant()
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		s.etcd = append(s.etcd, url)
	}
	webex := emulator.New(emulator.Config{
		RedirectURIs: redirects,
		Lives: map[emulator.Kind]emulator.Life{
			emulator.Meetings: {Access: 12 * time.Second, Refresh: 60 * 24 * time.Hour},
			emulator.REST:     {Access: 20 * time.Second, Refresh: 90 * 24 * time.Hour},
		},
	})
	s.announced = webex.Announcement("http://" + listener.Addr().String())
	s.emulator = &http.Server{Handler: webex, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.emulator.Serve(listener) }()
	if err := s.furnish(); err != nil {
		return nil, errors.Join(err, s.clear())
	}
	return s, nil
}

// furnish writes the files that the daemons need.
func (s *stage) furnish() error {
	for _, kind := range s.kinds() {
		secret := s.announced.Clients[kind].ClientSecret
		if err := os.WriteFile(filepath.Join(s.folder, string(kind)+".secret"), []byte(secret), 0o600); err != nil {
			return fmt.Errorf("write demo secret: %w", err)
		}
	}
	if err := seal.WriteKey(s.key(), seal.NewKey()); err != nil {
		return err
	}
	for _, p := range s.places {
		if err := os.MkdirAll(p.folder, 0o700); err != nil {
			return fmt.Errorf("make demo folder: %w", err)
		}
		if err := os.WriteFile(p.config, []byte(s.hcl(p)), 0o600); err != nil {
			return fmt.Errorf("write demo config: %w", err)
		}
	}
	return nil
}

const demoRedirect = "/oauth"

// vacant is the URL of a port on loopback on which nobody listens. Where
// somebody else is faster, the show goes on without pages.
func vacant() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("look for a port for the pages: %w", err)
	}
	return "http://" + listener.Addr().String(), listener.Close()
}

func (s *stage) clear() error {
	return errors.Join(s.emulator.Close(), os.RemoveAll(s.folder))
}

func (s *stage) hcl(p place) string {
	text := fmt.Sprintf("state_dir   = %q\nruntime_dir = %q\n\nhttp {\n  listen = %q\n}\n\nseal {\n  key_file = %q\n}\n",
		filepath.Join(p.folder, "state"), filepath.Join(p.folder, "run"), strings.TrimPrefix(p.pages, "http://"), s.key())
	if len(s.etcd) > 0 {
		text += fmt.Sprintf("\nstore {\n  engine = \"etcd\"\n  host   = %q\n  etcd {\n    endpoints = [\"%s\"]\n    prefix    = %q\n  }\n}\n",
			p.host, strings.Join(s.etcd, `", "`), demoPrefix)
	}
	for _, kind := range s.kinds() {
		client := s.announced.Clients[kind]
		text += fmt.Sprintf(`
integration %[1]q {
  kind               = %[1]q
  client_id          = %[2]q
  client_secret_file = %[3]q
  token_url          = %[4]q
  redirect_url       = %[7]q
  scopes             = [%[8]q]
  min_interval       = "1s"
}

grant %[5]q {
  integration = %[1]q
  file {
    path   = %[6]q
    format = "json"
  }
}
`, kind, client.ClientID, filepath.Join(s.folder, string(kind)+".secret"), client.TokenURL,
			s.grant(kind), p.output(s.grant(kind)), p.pages+demoRedirect, s.scope(kind))
	}
	return text
}

func (s *stage) key() string { return filepath.Join(s.folder, "store.key") }

func (s *stage) kinds() []emulator.Kind { return []emulator.Kind{emulator.Meetings, emulator.REST} }

func (s *stage) grant(kind emulator.Kind) string { return "demo-" + string(kind) }

// scope is one that the emulated Webex grants without being asked for it.
func (s *stage) scope(kind emulator.Kind) string {
	if kind == emulator.Meetings {
		return "all_read"
	}
	return "spark:people_read"
}

func (p place) output(grant string) string {
	return filepath.Join(p.folder, "run", "tokens", grant+".json")
}

// look proves that the token file changes without showing the token.
func (s *stage) look(grant string) string {
	file := s.places[0].output(grant)
	content, err := os.ReadFile(file)
	if err != nil {
		return "its file is not there yet"
	}
	return fmt.Sprintf("%s is %d bytes, sha256 %.4x..", filepath.Base(file), len(content), sha256.Sum256(content))
}

// introduce says where everything is; page is a link that opens the pages, or
// why there are none.
func (s *stage) introduce(c *console, page string) {
	lines := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(lines, "folder\t%s\n", s.folder)
	first := s.places[0]
	for _, p := range s.places {
		fmt.Fprintf(lines, "config\t%s\n", p.config)
		fmt.Fprintf(lines, "socket\t%s\n", p.socket)
		fmt.Fprintf(lines, "tokens\t%s\n", filepath.Join(p.folder, "run", "tokens"))
	}
	if len(s.etcd) > 0 {
		fmt.Fprintf(lines, "etcd\t%s\n", strings.Join(s.etcd, " "))
	}
	fmt.Fprintf(lines, "webex\t%s (emulated)\n", s.announced.URL)
	fmt.Fprintf(lines, "page\t%s\n", page)
	lines.Flush()
	fmt.Fprintln(c.out, "\nFrom another terminal, while this runs:")
	program := invocation()
	hosts, yield := "", ""
	if len(s.places) > 1 {
		hosts, yield = program+" hosts", program+" hosts yield # at the one in office"
	}
	for _, command := range []string{
		enter(),
		"export WEBEX_TOKEND_SOCKET=" + first.socket,
		program + " status --watch",
		program + " token demo-rest",
		program + " web",
		hosts,
		yield,
		"curl --unix-socket $WEBEX_TOKEND_SOCKET http://localhost/v1/grants",
	} {
		if command != "" {
			fmt.Fprintln(c.out, "  "+command)
		}
	}
	fmt.Fprintln(c.out)
}
