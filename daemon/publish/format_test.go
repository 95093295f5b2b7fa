package publish_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/keeper"
	"webex-tokend/daemon/publish"
	"webex-tokend/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

func meetingsToken(access string) keeper.Current {
	return keeper.Current{
		Grant:      "ops",
		Generation: 7,
		Token: store.Token{
			Access:    store.NewSecret(access),
			Type:      "bearer",
			Scope:     "all_read meeting_modify",
			ExpiresAt: time.Date(2026, 11, 22, 10, 30, 0, 250e6, time.UTC),
		},
	}
}

func TestEachFormatIsWhatItsGoldenFileSays(t *testing.T) {
	for _, format := range []string{"raw", "json", "env", "header"} {
		got, err := publish.Render(config.File{Format: format, Variable: "WEBEX_ACCESS_TOKEN"}, meetingsToken("NjlhN_PF84-1.x~y+z/w=="))
		if err != nil {
			t.Fatal(err)
		}
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

func TestATokenWithoutExpirySaysNullInJSON(t *testing.T) {
	c := meetingsToken("abc")
	c.ExpiresAt = time.Time{}
	got, err := publish.Render(config.File{Format: "json"}, c)
	want := `{"access_token":"abc","token_type":"bearer","expires_at":null,"generation":7,"scope":"all_read meeting_modify"}` + "\n"
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestATokenThatAFormatCannotCarryIsAnError(t *testing.T) {
	tests := []struct{ name, format, token string }{
		{"a line break would begin another header", "header", "abc\r\nX-Evil: 1"},
		{"a blank would end the value", "raw", "abc def"},
		{"letters beyond ASCII are no token", "json", "abcé"},
		{"readers disagree on a quote", "env", `ab'c`},
		{"readers disagree on a backslash", "env", `ab\c`},
		{"an unknown format carries nothing", "xml", "abc"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := publish.Render(config.File{Format: test.format, Variable: "T"}, meetingsToken(test.token)); err == nil {
				t.Errorf("no error, but %q", got)
			}
		})
	}
}

func TestAShellReadsTheTokenFromAnEnvFile(t *testing.T) {
	for _, token := range []string{"plain-123._~+/==", "$HOME`id`#;&|\"*!%", "{a}[b]<c>(d)"} {
		file := config.File{Path: filepath.Join(t.TempDir(), "env"), Format: "env", Variable: "TOKEN"}
		text, err := publish.Render(file, meetingsToken(token))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file.Path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("sh", "-c", `. "$1"; printf %s "$TOKEN"`, "sh", file.Path).CombinedOutput()
		if err != nil || string(got) != token {
			t.Errorf("sh read %q, %v, want %q", got, err, token)
		}
	}
}
