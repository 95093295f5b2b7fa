package publish_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/publish"
)

// Each test reads a format as its consumer does.

// hostile are tokens that readers with rules of their own could misread.
func hostile() []string {
	return []string{"plain-123._~+/==", "$HOME`id`#;&|\"*!%", "{a}[b]<c>(d)", "12345678", "null", "1e3", "yes", "#", "-"}
}

func TestAShellReadsTheTokenFromAnEnvFile(t *testing.T) {
	for _, token := range hostile() {
		path := filepath.Join(t.TempDir(), "env")
		if err := os.WriteFile(path, render(t, "env", token), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("sh", "-c", `. "$1"; printf %s "$WEBEX_ACCESS_TOKEN"`, "sh", path).CombinedOutput()
		if err != nil || string(got) != token {
			t.Errorf("sh read %q, %v, want %q", got, err, token)
		}
	}
}

func TestSystemdReadsTheTokenFromAnEnvFile(t *testing.T) {
	for _, token := range hostile() {
		if got := environmentFile(string(render(t, "env", token)))["WEBEX_ACCESS_TOKEN"]; got != token {
			t.Errorf("EnvironmentFile= gives %q, want %q", got, token)
		}
	}
	if got := environmentFile("A=b\\c # d\n")["A"]; got != "bc # d" {
		t.Errorf("the reader does not do as systemd: %q", got)
	}
}

// environmentFile reads as systemd.exec(5) says: a backslash outside of quotes
// takes the next character as it is, single quotes keep all, double quotes all
// but a backslash, blanks around a value go, lines with # or ; at first are
// comments.
func environmentFile(text string) map[string]string {
	env := make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		var b strings.Builder
		var quote, last rune
		for _, r := range value {
			switch {
			case last == '\\' && quote != '\'':
				b.WriteRune(r)
				r = 0
			case r == '\\' && quote != '\'':
			case quote == 0 && (r == '\'' || r == '"'):
				quote = r
			case r == quote && quote != 0:
				quote = 0
			default:
				b.WriteRune(r)
			}
			last = r
		}
		env[name] = b.String()
	}
	return env
}

func TestCurlReadsTheTokenFromAHeaderFile(t *testing.T) {
	for _, token := range hostile() {
		text := string(render(t, "header", token))
		// One header a line, name and value apart by a colon.
		name, value, ok := strings.Cut(strings.TrimSuffix(text, "\n"), ": ")
		if !ok || name != "Authorization" || value != "Bearer "+token || strings.Count(text, "\n") != 1 {
			t.Errorf("the header is %q", text)
		}
	}
}

// TestWxcSDKTakesTheTokenFile applies what wxc_sdk's model accepts, and what of
// it lets the library work without asking for more.
func TestWxcSDKTakesTheTokenFile(t *testing.T) {
	for _, token := range hostile() {
		access, err := readAsWxcSDK(render(t, "wxc-sdk", token))
		if err != nil || access != token {
			t.Errorf("wxc_sdk reads %q, %v, want %q", access, err, token)
		}
	}
	for name, text := range map[string]string{
		"a token type in small letters":   "access_token: 'a'\ntoken_type: bearer\nexpires_at: '2026-11-22T10:30:00Z'\n",
		"a time without a zone":           "access_token: 'a'\ntoken_type: Bearer\nexpires_at: '2026-11-22T10:30:00'\n",
		"no time":                         "access_token: 'a'\ntoken_type: Bearer\n",
		"a token that YAML takes for one": "access_token: 123\ntoken_type: Bearer\nexpires_at: '2026-11-22T10:30:00Z'\n",
		"a life":                          "access_token: 'a'\ntoken_type: Bearer\nexpires_at: '2026-11-22T10:30:00Z'\nexpires_in: 5\n",
		"a refresh token":                 "access_token: 'a'\ntoken_type: Bearer\nexpires_at: '2026-11-22T10:30:00Z'\nrefresh_token: 'r'\n",
	} {
		if _, err := readAsWxcSDK([]byte(text)); err == nil {
			t.Errorf("the reader takes a file with %s", name)
		}
	}
}

func readAsWxcSDK(text []byte) (access string, err error) {
	var members map[string]any
	if err := yaml.Unmarshal(text, &members); err != nil {
		return "", err
	}
	for _, name := range []string{"expires_in", "refresh_token"} {
		if _, ok := members[name]; ok {
			return "", fmt.Errorf("has %s", name)
		}
	}
	for name, value := range members {
		if _, ok := value.(string); !ok {
			return "", fmt.Errorf("%s is a %T", name, value)
		}
	}
	at, _ := members["expires_at"].(string)
	if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
		return "", err
	}
	if members["token_type"] != "Bearer" {
		return "", errors.New("token_type is not Bearer")
	}
	access, _ = members["access_token"].(string)
	return access, nil
}

func TestTheSecurityContextFitsIntoARequestOfTheMeetingsAPI(t *testing.T) {
	for _, token := range hostile() {
		request := `<serv:message xmlns:serv="http://www.webex.com/schemas/2002/06/service"><header>` +
			string(render(t, "xml", token)) + `</header><body/></serv:message>`
		var message struct {
			Context struct {
				Site  string `xml:"siteName"`
				User  string `xml:"webExID"`
				Token string `xml:"webExAccessToken"`
			} `xml:"header>securityContext"`
		}
		if err := xml.Unmarshal([]byte(request), &message); err != nil {
			t.Fatal(err)
		}
		if c := message.Context; c.Site != "acme" || c.User != "jane & joe" || c.Token != token {
			t.Errorf("the API reads %+v, want token %q", c, token)
		}
	}
}

func TestSideFilesHoldNoToken(t *testing.T) {
	if text := render(t, "meta", "NjlhN"); strings.Contains(string(text), "NjlhN") {
		t.Errorf("the side file is %s", text)
	}
	file := config.File{Format: "template", Template: "{{ .Grant }} {{ .User }}"}
	if text, err := publish.Render(file, nil, meetingsToken("NjlhN")); err != nil || string(text) != "ops jane _ joe" {
		t.Errorf("a template without the token gives %q, %v", text, err)
	}
}
