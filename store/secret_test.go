package store_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/template"

	"github.com/hashicorp/go-hclog"

	"webex-tokend/store"
)

const canary = "hunter2-Canary"

// A vault holds secrets in every way a program might.
type vault struct {
	store.Secret // embedded
	Public       store.Secret
	private      store.Secret
	pointer      *store.Secret
	list         []store.Secret
	array        [1]store.Secret
	byName       map[string]store.Secret
	any          any
	nested       struct{ deep struct{ secret store.Secret } }
}

func newVault() *vault {
	s := store.NewSecret(canary)
	v := &vault{Secret: s, Public: s, private: s, pointer: &s, list: []store.Secret{s},
		array: [1]store.Secret{s}, byName: map[string]store.Secret{"k": s}, any: s}
	v.nested.deep.secret = s
	return v
}

// plain is a vault without the embedded secret, whose methods would speak for
// the whole struct.
type plain struct {
	private store.Secret
	pointer *store.Secret
	list    []store.Secret
	byName  map[string]*store.Secret
	any     any
	err     error
}

func newPlain() plain {
	s := store.NewSecret(canary)
	return plain{s, &s, []store.Secret{s}, map[string]*store.Secret{"k": &s}, s, fmt.Errorf("with %v", s)}
}

// leaks finds the canary in plain text, quoted, as decimal or hexadecimal
// bytes.
func leaks(out string) bool {
	low := strings.ToLower(out)
	for _, form := range []string{
		strings.ToLower(canary),
		fmt.Sprintf("%x", canary),
		fmt.Sprintf("% x", canary),
		strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"),
		strings.ReplaceAll(strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"), " ", ","),
		"aHVudGVyMi1DYW5hcn", // base64
	} {
		if strings.Contains(low, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

func TestLeaksAreFoundInEveryForm(t *testing.T) {
	type open struct{ text string }
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "% x", "%X"} {
		if out := fmt.Sprintf(format, open{canary}); !leaks(out) {
			t.Errorf("%s printed %s, which is not noticed", format, out)
		}
	}
	if out := fmt.Sprint([]byte(canary)); !leaks(out) {
		t.Errorf("%s is not noticed", out)
	}
	for _, v := range []any{canary, []byte(canary)} {
		if out, _ := json.Marshal(v); !leaks(string(out)) {
			t.Errorf("%s is not noticed", out)
		}
	}
}

func TestNoVerbOfFmtPrintsASecret(t *testing.T) {
	s := store.NewSecret(canary)
	holders := map[string]any{
		"secret": s, "pointer": &s, "vault": *newVault(), "pointer to vault": newVault(),
		"plain": newPlain(), "slice": []any{s, newPlain()}, "map": map[string]any{"k": newPlain()},
		"error": fmt.Errorf("wrap: %w", fmt.Errorf("in: %v", newPlain())), "joined": errors.Join(errors.New("a"), fmt.Errorf("%+v", newVault())),
		"method": s.Equal, "channel": make(chan store.Secret), "record": &store.Record{CodeVerifier: s, Token: store.Token{Access: s}, Fallbacks: []store.RefreshToken{{Value: s}}},
	}
	flags := []string{"", "[1]", "+", "#", "-", " ", "0", "+#", "# ", "10", ".3", "-40.20"}
	verbs := "vTtbcdoOqxXUeEfFgGspwyz"
	for what, holder := range holders {
		for _, flag := range flags {
			for _, verb := range verbs {
				format := "%" + flag + string(verb)
				if out := fmt.Sprintf(format, holder); leaks(out) {
					t.Errorf("%s of %s prints %s", format, what, out)
				}
			}
		}
		if out := fmt.Sprint(holder) + fmt.Sprintln(holder); leaks(out) {
			t.Errorf("%s: %s", what, out)
		}
	}
	if got := fmt.Sprintf("%v|%s|%d|%#v|%s", s, s, s, s, &s); got != strings.Repeat("[redacted]|", 4)+"[redacted]" {
		t.Errorf("got %s", got)
	}
}

func TestNoEncoderWritesASecret(t *testing.T) {
	s := store.NewSecret(canary)
	type element struct {
		XMLName xml.Name     `xml:"e"`
		Attr    store.Secret `xml:"attr,attr"`
		Text    store.Secret
		Pointer *store.Secret
	}
	values := map[string]any{"secret": s, "pointer": &s, "vault": newVault(), "plain": newPlain(),
		"slice": []store.Secret{s}, "map": map[string]store.Secret{"k": s}, "element": element{Attr: s, Text: s, Pointer: &s}}
	for what, v := range values {
		if out, _ := json.Marshal(v); leaks(string(out)) {
			t.Errorf("JSON of %s: %s", what, out)
		}
		if out, _ := xml.Marshal(v); leaks(string(out)) {
			t.Errorf("XML of %s: %s", what, out)
		}
		var b bytes.Buffer
		if gob.NewEncoder(&b).Encode(v); leaks(b.String()) {
			t.Errorf("gob of %s: %q", what, b.String())
		}
		b.Reset()
		template.Must(template.New("").Parse(`{{.}} {{printf "%d" .}} {{html .}} {{js .}}`)).Execute(&b, v)
		if leaks(b.String()) {
			t.Errorf("template of %s: %s", what, b.String())
		}
	}
	if out, err := json.Marshal(values["slice"]); err != nil || string(out) != `["[redacted]"]` {
		t.Errorf("JSON: %s and %v", out, err)
	}
}

func TestNoJSONMakesASecret(t *testing.T) {
	var v struct{ Token store.Secret }
	if err := json.Unmarshal([]byte(`{"Token":"[redacted]"}`), &v); err == nil {
		t.Error("a redacted text came back as a secret")
	}
}

func TestNoLoggerWritesASecret(t *testing.T) {
	s := store.NewSecret(canary)
	var b bytes.Buffer
	var loggers []func(string, ...any)
	for _, json := range []bool{false, true} {
		log := hclog.New(&hclog.LoggerOptions{Output: &b, Level: hclog.Trace, JSONFormat: json})
		loggers = append(loggers, log.Info, log.With("with", s, "vault", newVault()).Error, log.Named("n").Trace)
	}
	loggers = append(loggers, slog.New(slog.NewTextHandler(&b, nil)).Info, slog.New(slog.NewJSONHandler(&b, nil)).Info)
	for _, log := range loggers {
		log("message", "secret", s, "pointer", &s, "vault", newVault(), "plain", newPlain(), "slice", []store.Secret{s},
			"map", map[string]store.Secret{"k": s}, "error", fmt.Errorf("in: %v", newPlain()),
			"format", hclog.Fmt("%d %s %x", s, newPlain(), newVault()), "quoted", hclog.Quote(fmt.Sprint(s)), s)
	}
	if leaks(b.String()) {
		t.Errorf("logged: %s", b.String())
	}
	if n := strings.Count(b.String(), "[redacted]"); n < len(loggers) {
		t.Errorf("%d loggers wrote %d redacted values: %s", len(loggers), n, b.String())
	}
}

// TestNoPanicPrintsASecret panics in another process: with the secret itself,
// with what holds it, with an error.
func TestNoPanicPrintsASecret(t *testing.T) {
	values := []func(){
		func() { panic(store.NewSecret(canary)) },
		func() { panic(newVault()) },
		func() { panic(newPlain()) },
		func() { panic(fmt.Errorf("in: %v", newPlain())) },
		func() { hold(store.NewSecret(canary)) },
	}
	const variable = "WEBEX_TOKEND_TEST_PANIC"
	if text := os.Getenv(variable); text != "" {
		values[int(text[0]-'0')]()
	}
	for i := range values {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoPanicPrintsASecret$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, i), "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("panic")) {
			t.Errorf("panic %d: %v\n%s", i, err, out)
		}
		if leaks(string(out)) {
			t.Errorf("panic %d printed the secret:\n%s", i, out)
		}
	}
}

//go:noinline
func hold(s store.Secret) { panic(s.Equal(s)) }

func TestASecretKeepsItsText(t *testing.T) {
	s := store.NewSecret(canary)
	if s.Reveal() != canary || s.Empty() {
		t.Error("the text is gone")
	}
	if !s.Equal(store.NewSecret(canary)) || s.Equal(store.NewSecret(canary+"x")) || s.Equal(store.Secret{}) {
		t.Error("Equal is wrong")
	}
	zero := store.NewSecret("")
	if !zero.Empty() || zero.Reveal() != "" || !zero.Equal(store.Secret{}) || fmt.Sprint(zero) != "[redacted]" {
		t.Error("the zero secret is not empty")
	}
}
