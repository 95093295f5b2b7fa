package provider

import (
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
)

// A refusal is a parsed error body. Three shapes are in use:
//
//	RFC 6749       {"error":"invalid_grant","error_description":"..."}
//	Webex broker   the same with "trackingID"
//	Webex gateway  {"message":"...","errors":[{"description":"..."}],"trackingId":"..."}
//
// The gateway's message is no more than the status in words; what matters
// stands in the first description.
type refusal struct {
	code        string
	description string
	prose       []string // each text that may hold a verdict, in lower case
	trackingID  string
}

func readRefusal(o Object, h http.Header) refusal {
	var r refusal
	r.code, _ = o.Text("error")
	r.description, _ = o.Text("error_description")
	message, _ := o.Text("message")
	var entries []struct {
		Description string `json:"description"`
	}
	// What does not decode leaves its entries empty.
	_ = json.Unmarshal(o.members["errors"], &entries)
	texts := []string{r.description}
	for _, e := range entries {
		texts = append(texts, e.Description)
	}
	r.description = cmp.Or(append(texts, message)...)
	if r.description == message {
		texts = []string{message}
	}
	for _, text := range texts {
		r.prose = append(r.prose, strings.ToLower(text))
	}
	for _, name := range []string{"trackingId", "trackingID"} {
		id, _ := o.Text(name)
		r.trackingID = cmp.Or(r.trackingID, id)
	}
	r.trackingID = cmp.Or(r.trackingID, h.Get("trackingId"))
	return r
}

// IsError reports that an object speaks of an error, whatever status it came with.
func (o Object) IsError() bool { return o.Has("error") || o.Has("errors") }

// refuse turns an error answer into a Failure.
func refuse(resp *http.Response, b body, d dialect, private scrubber) *Failure {
	o, err := ReadObject(b.text)
	r := readRefusal(o, resp.Header)
	f := answered(resp)
	f.Kind, f.client = classify(resp.StatusCode, r, d)
	f.Code = private.clean(cmp.Or(r.code, statusCode(resp.StatusCode)), maxCode)
	f.TrackingID = private.clean(r.trackingID, maxTrackingID)
	f.Description = private.clean(r.description, maxDescription)
	if err != nil && f.Description == "" && len(b.text) > 0 {
		f.Description = outline(resp, b, private)
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusLocked:
		f.RetryAfter = retryAfter(resp.Header, time.Now())
	}
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
		size = "more than 64 KiB"
	}
	return private.clean("no JSON object: "+kind+", "+size, maxDescription)
}
