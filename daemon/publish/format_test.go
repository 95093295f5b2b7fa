package publish_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/publish"
	"webex-tokend/daemon/refresh"
	"webex-tokend/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

func meetingsToken(access string) refresh.Current {
	return refresh.Current{
		Grant:      "ops",
		Generation: 7,
		Token: store.Token{
			Access:    store.NewSecret(access),
			Type:      "bearer",
			Scope:     "all_read meeting_modify",
			ExpiresAt: time.Date(2026, 11, 22, 10, 30, 0, 250e6, time.UTC),
		},
		State: store.OK,
		User:  "jane & joe",
		Site:  "acme",
	}
}

const everything = `# {{ .Grant }} of {{ .Labels.team }}, generation {{ .Generation }}
{{ .TokenType }} {{ .AccessToken }}
until {{ .ExpiresAt }} ({{ .ExpiresAt.Unix }}) for {{ .Scope }}
{{ .User }} on {{ .Site }}
`

// render gives every format what it needs.
func render(t *testing.T, format, token string) []byte {
	t.Helper()
	file := config.File{Format: format, Variable: "WEBEX_ACCESS_TOKEN", Template: everything}
	content, err := publish.Render(file, map[string]string{"team": "operations"}, meetingsToken(token))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestEachFormatIsWhatItsGoldenFileSays(t *testing.T) {
	for _, format := range []string{"raw", "json", "env", "header", "wxc-sdk", "xml", "template", "meta"} {
		got := render(t, format, "NjlhN_PF84-1.x~y+z/w==")
		golden := filepath.Join("testdata", format)
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := content(t, golden); string(got) != want {
			t.Errorf("format %s gives %q, want %q", format, got, want)
		}
	}
}

func TestATokenThatIsNotKnownToEndHasItsFormInEachFormat(t *testing.T) {
	tests := []struct{ format, want string }{
		{"json", `{"access_token":"abc","token_type":"bearer","expires_at":null,"generation":7,"scope":"all_read meeting_modify"}`},
		{"meta", `{"generation":7,"expires_at":null,"state":"ok"}`},
		{"wxc-sdk", "access_token: \"abc\"\nexpires_at: \"9999-12-31T23:59:59Z\"\nscope: \"all_read meeting_modify\"\ntoken_type: \"Bearer\""},
		{"template", "until ."},
	}
	for _, test := range tests {
		c := meetingsToken("abc")
		c.ExpiresAt = time.Time{}
		got, err := publish.Render(config.File{Format: test.format, Template: "until {{ .ExpiresAt }}."}, nil, c)
		if err != nil || strings.TrimSuffix(string(got), "\n") != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.format, got, err, test.want)
		}
	}
}

func TestATokenThatAFormatCannotCarryIsAnError(t *testing.T) {
	tests := []struct{ name, format, token string }{
		{"a line break would begin another header", "header", "abc\r\nX-Evil: 1"},
		{"a blank would end the value", "raw", "abc def"},
		{"letters beyond ASCII are no token", "json", "abcé"},
		{"readers disagree on a quote", "env", `ab'c`},
		{"readers disagree on a backslash", "env", `ab\c`},
		{"a template that could not be read", "template", "abc"},
		{"an unknown format carries nothing", "ini", "abc"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := config.File{Format: test.format, Variable: "T"}
			got, err := publish.Render(file, nil, meetingsToken(test.token))
			if err == nil || strings.Contains(err.Error(), test.token) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestXMLNeedsToKnowWhoAsksWhere(t *testing.T) {
	for name, spoil := range map[string]func(*refresh.Current){
		"site": func(c *refresh.Current) { c.Site = "" },
		"user": func(c *refresh.Current) { c.User = "" },
	} {
		c := meetingsToken("abc")
		spoil(&c)
		if got, err := publish.Render(config.File{Format: "xml"}, nil, c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %q, %v", name, got, err)
		}
	}
}

func TestATemplateKnowsNoLabelThatTheGrantHasNot(t *testing.T) {
	file := config.File{Format: "template", Template: "{{ .Labels.team }}"}
	if got, err := publish.Render(file, nil, meetingsToken("abc")); err == nil {
		t.Errorf("no error, but %q", got)
	}
}
