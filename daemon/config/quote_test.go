package config_test

import (
	"encoding/json"
	"encoding/xml"
	"os/exec"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"webex-tokend/daemon/config"
)

// hostile is what a server may call a person.
const hostile = "O'Brien\"; $(touch /tmp/owned) `id` <b>&\\ # 100%"

func fill(t *testing.T, text string) string {
	t.Helper()
	out, err := config.File{Template: text}.Execute(config.Fill{AccessToken: "a$(id)", User: hostile, Scope: "spark:all\"\n; rm -rf", Generation: 3})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Templates had no way of quoting: what a server called a person was a command in
// any script that was written with it.
func TestWhatAServerWroteStaysOneValueInEveryKindOfFile(t *testing.T) {
	t.Run("sh", func(t *testing.T) {
		out, err := exec.Command("sh", "-c", "set -- "+fill(t, "{{ .User | sh }}")+`; printf '%s|%s' $# "$1"`).Output()
		if err != nil || string(out) != "1|"+hostile {
			t.Errorf("%q %v", out, err)
		}
	})
	t.Run("json", func(t *testing.T) {
		var got struct {
			User string
			N    int
		}
		if err := json.Unmarshal([]byte(fill(t, `{"user": {{ json .User }}, "n": {{ json .Generation }}}`)), &got); err != nil || got.User != hostile || got.N != 3 {
			t.Errorf("%+v %v", got, err)
		}
	})
	t.Run("yaml", func(t *testing.T) {
		var got map[string]string
		if err := yaml.Unmarshal([]byte(fill(t, `user: {{ yaml .User }}`)), &got); err != nil || got["user"] != hostile {
			t.Errorf("%+v: %v", got, err)
		}
	})
	t.Run("xml", func(t *testing.T) {
		var got struct {
			User string `xml:"user"`
		}
		if err := xml.Unmarshal([]byte(fill(t, `<r><user>{{ xml .User }}</user></r>`)), &got); err != nil || got.User != hostile {
			t.Errorf("%+v: %v", got, err)
		}
	})
	t.Run("ini refuses what has no common form", func(t *testing.T) {
		if _, err := (config.File{Template: "user = {{ ini .User }}"}).Execute(config.Fill{User: hostile}); err == nil {
			t.Error("it was written")
		}
		if out, err := (config.File{Template: "user = {{ ini .User }}"}).Execute(config.Fill{User: "Alex Morgan"}); err != nil || string(out) != "user = Alex Morgan" {
			t.Errorf("%q %v", out, err)
		}
	})
	t.Run("bare", func(t *testing.T) {
		if got := fill(t, "{{ .User }}"); strings.ContainsAny(got, "'\"$`;<>&\\#%()") {
			t.Errorf("a name is written as %q", got)
		}
		if got := fill(t, "{{ .Scope }}"); got != "spark:all__; rm -rf" {
			t.Errorf("a scope is written as %q", got)
		}
		if got := fill(t, `{{ printf "%s" .User }}`); strings.ContainsAny(got, "'$`") {
			t.Errorf("printf writes %q", got)
		}
	})
}
