package provider

import (
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"webex-tokend/daemon/answer"
)

// A refusal is a parsed error body. These shapes are in use:
//
//	RFC 6749       {"error":"invalid_grant","error_description":"..."}
//	Webex broker   the same with "trackingID"
//	Webex gateway  {"message":"...","errors":[{"description":"..."}],"trackingId":"..."}
//	others         {"error":{"code":"...","message":"..."}}, {"errors":["..."]},
//	               {"error":"...","reason":"..."}, {"code":"...","detail":"..."}, a form, a text
//
// The gateway's message is no more than the status in words; what matters
// stands in the first description.
type refusal struct {
	code        string
	description string
	prose       []string // each text that may hold a verdict, in lower case
	trackingID  string
}

// The names under which servers put codes and words, the more telling first.
func codeNames() []string {
	return []string{"error", "error_code", "code", "type", "status", "suberror"}
}

func wordNames() []string {
	return []string{"error_description", "description", "error_message", "detail", "details", "errmsg", "error_summary", "error_msg", "reason", "message", "msg", "title"}
}

func readRefusal(o answer.Object, h http.Header) refusal {
	var r refusal
	r.code = codeOf(o)
	texts := wordsOf(o)
	message, _ := o.Text("message")
	r.description = cmp.Or(texts...)
	for _, text := range texts {
		// The gateway's stock phrase is no verdict where there are other words.
		if text != "" && (text != message || r.description == message) {
			r.prose = append(r.prose, strings.ToLower(text))
		}
	}
	id, _ := o.Text("trackingId")
	r.trackingID = cmp.Or(id, h.Get("trackingId"))
	return r
}

// codeOf finds the code of an error: a word, which is what no sentence is.
func codeOf(o answer.Object) string {
	if inner, ok := o.Inner("error"); ok {
		if code := codeOf(inner); code != "" {
			return code
		}
	}
	for _, name := range codeNames() {
		text, _ := o.Text(name)
		if text = strings.TrimSpace(text); text != "" && (name == "error" || !strings.ContainsRune(text, ' ')) {
			return text
		}
	}
	return ""
}

// wordsOf gathers what an error says in words, the more telling first.
func wordsOf(o answer.Object) []string {
	var texts []string
	say := func(o answer.Object, names ...string) {
		for _, name := range names {
			if text, _ := o.Text(name); strings.TrimSpace(text) != "" {
				texts = append(texts, text)
			}
		}
	}
	say(o, "error_description")
	if inner, ok := o.Inner("error"); ok {
		texts = append(texts, wordsOf(inner)...)
	}
	for _, value := range o.List("errors") {
		if text, ok := answer.Unquote(value); ok {
			texts = append(texts, strings.ToValidUTF8(text, "?"))
		}
		if entry, err := answer.ReadObject(value); err == nil {
			texts = append(texts, wordsOf(entry)...)
		}
		if len(texts) > maxTexts {
			break
		}
	}
	say(o, wordNames()[1:]...)
	// A code that is a sentence.
	if text, _ := o.Text("error"); strings.ContainsRune(strings.TrimSpace(text), ' ') {
		texts = append(texts, text)
	}
	return texts[:min(len(texts), maxTexts)]
}

// maxTexts bounds how many texts of an error are looked at.
const maxTexts = 16

// readError reads the body of an error in whatever shape it has. A plain text is
// its words.
func readError(resp *http.Response, b body) (refusal, error) {
	o, _, err := answer.Find(b.text)
	r := readRefusal(o, resp.Header)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if text := strings.TrimSpace(string(b.text)); err != nil && kind == "text/plain" && len(text) < 1024 && answer.IsText(b.text) {
		r.description = strings.ToValidUTF8(text, "?")
		r.prose = []string{strings.ToLower(r.description)}
	}
	return r, err
}

// CodeTokenLimit is the code of an account that holds too many access tokens.
const CodeTokenLimit = "tokenlimit_reached"

// refuse turns an error answer into a Failure.
func refuse(resp *http.Response, b body, d dialect, private scrubber) *Failure {
	r, err := readError(resp, b)
	f := answered(resp)
	f.Kind, f.client = classify(resp.StatusCode, r, d)
	f.Code = private.clean(cmp.Or(r.code, statusCode(resp.StatusCode)), maxCode)
	if f.Kind == Exhausted { // the gateway has it in its prose alone
		f.Code = CodeTokenLimit
	}
	f.TrackingID = private.clean(r.trackingID, maxTrackingID)
	f.Description = private.clean(r.description, maxDescription)
	if err != nil && f.Description == "" && len(b.text) > 0 {
		f.Description = outline(resp, b, private)
	}
	f.RetryAfter = retryAfter(resp.Header, time.Now())
	if f.RetryAfter > 0 && f.Kind == Transient {
		f.Kind = Limited
	}
	return f
}

// statusCode is our own word for an error without a code: "bad_gateway".
func statusCode(status int) string {
	if status >= 200 && status < 300 {
		return "error_without_code"
	}
	text := cmp.Or(http.StatusText(status), "unknown status")
	return strings.ReplaceAll(strings.ToLower(text), " ", "_")
}

// outline describes an answer that is no JSON object without quoting it.
func outline(resp *http.Response, b body, private scrubber) string {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		kind = "no content type"
	}
	size := fmt.Sprintf("%d bytes", len(b.text))
	if b.large {
		size = "more than 256 KiB"
	}
	return private.clean("no JSON object: "+kind+", "+size, maxDescription)
}
