package answer_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"webex-tokend/daemon/answer"
)

// FuzzObject holds the lenient reader against encoding/json: what the one
// takes, the other must read alike.
func FuzzObject(f *testing.F) {
	f.Add(`{"access_token":"new-access","expires_in":1209599,"refresh_token":"new-refresh","token_type":"Bearer"}`)
	f.Add(`{"a":[{"b":"]}"}],"c":"\u00e9\n","d":NaN}`)
	f.Add("\ufeff{\"a\":\"\xff\"}")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := answer.ReadObject([]byte(text))
		o.Instant("exp")
		var strict map[string]any
		if json.Unmarshal([]byte(text), &strict) != nil || strict == nil {
			return
		}
		if err != nil {
			t.Fatalf("sound JSON is refused: %v", err)
		}
		for name, value := range strict {
			want, isText := value.(string)
			got, ok := o.Text(name)
			if isText && ok && got != want && want != "" && utf8.ValidString(text) {
				t.Errorf("%q is %q, want %q", name, got, want)
			}
		}
	})
}

// FuzzAnswer puts a refresh token somewhere into an answer. It must come out
// whenever the answer is refused; an answer that is taken has its own say.

// FuzzFind puts an answer somewhere into a text. It must not panic, not hang, and
// find a token that stands in a plain object whatever follows.
func FuzzFind(f *testing.F) {
	for _, text := range []string{`)]}',`, `[`, `cb(`, "\xff\xfe{\x00", `"{\"access_token\":\"`, `access_token=`, `{"data":`, `&quot;`, "eyJ", "\x1f\x8b", "\x78\x9c"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, noise []byte) {
		plain, _, _ := answer.Unpack(noise, "br", 1<<16)
		_, _, _ = answer.Find(plain)
		answer.Salvage(plain, "refresh", true)
		o, _, err := answer.Find(append([]byte(`{"refresh_token":"fresh-token"}`), noise...))
		if _, note := answer.Decode(append([]byte(`{"refresh_token":"fresh-token"}`), noise...)); note != "" {
			t.Skip()
		}
		if text, _ := o.Text("refresh_token"); err != nil || text != "fresh-token" {
			t.Errorf("behind %q the token is %q, %v", noise, text, err)
		}
	})
}

// FuzzUnquote holds the decoder of strings against encoding/json.
func FuzzUnquote(f *testing.F) {
	f.Add(`"a\u00e9\ud83d\ude00\n"`)
	f.Add(`"\ud800"`)
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := answer.Unquote([]byte(text))
		var want string
		if json.Unmarshal([]byte(text), &want) != nil || !utf8.ValidString(text) || text != strings.TrimSpace(text) || len(text) == 0 || text[0] != '"' {
			return
		}
		if ok && got != want || !ok && !strings.ContainsRune(want, utf8.RuneError) {
			t.Errorf("%s is %q, %v; want %q", text, got, ok, want)
		}
	})
}
