package answer_test

import (
	"strings"
	"testing"

	"webex-tokend/daemon/answer"
)

// Nobody is to keep a processor busy with a long answer. The bound is on how deep and how
// often a reader looks, so that each of these ends; without one, some take hours.
func TestAnAnswerMadeToBeSlowIsReadAllTheSame(t *testing.T) {
	const most = 64 << 10
	for _, piece := range map[string]string{
		"braces": "{", "brackets": "[", "braces and names": `{"refresh_token":`, "lists in lists": `{"refresh_token":[`, "quotes": `"`, "escapes": `\"`,
		"names": `refresh_token `, "quoted names": `"refresh_token"`, "members": `"refresh_token":"x",`, "entities": "&quot;", "pairs": "a=b&",
		"strings in strings": `"{\"access_token\":`, "zeros": "\x00a", "gzip": "\x1f\x8b", "colons": `:`, "lines": "refresh_token: x\n", "base64": "eyJh",
	} {
		for _, before := range []string{"", `{"a":1`} {
			text := []byte((before + strings.Repeat(piece, 1+most/len(piece)))[:most])
			plain, _, _ := answer.Unpack(text, "br", most)
			o, _, _ := answer.Find(plain)
			o.HoldsTokens()
			answer.Salvage(plain, "refresh", true)
			answer.Salvage(plain, "refresh", false)
		}
	}
}
