package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"webex-tokend/daemon/acl"
	"webex-tokend/daemon/wire"
)

func TestImportsAreAnsweredByWhatTheyDid(t *testing.T) {
	h := begin(t)
	c := h.as(t, os.Geteuid())
	first, second := response("access-1", "refresh-1"), response("access-2", "refresh-2")
	tests := []struct {
		name, path, body string
		status           int
		holds            string
	}{
		{"new tokens are created", "/v1/grants/ops", first, 201, `"result":"new"`},
		{"the same tokens are unchanged", "/v1/grants/ops", first, 200, `"result":"unchanged"`},
		{"other tokens replace", "/v1/grants/ops", second, 200, `"result":"replaced"`},
		{"superseded tokens are unchanged", "/v1/grants/ops", first, 200, `already superseded, generation 2 kept`},
		{"an undeclared grant is not found", "/v1/grants/nosuch", first, 404, `grant \"nosuch\" { integration`},
		{"a bad name is refused", "/v1/grants/NO%20SUCH", first, 400, `is no name`},
		{"a page is of no use", "/v1/grants/ops", "<!DOCTYPE html><html></html>", 422, `HTML page`},
		{"half a response is of no use", "/v1/grants/ops", first[:len(first)/2], 422, `"status":422`},
		{"an unknown format is of no use", "/v1/grants/ops?format=xml", first, 422, `unknown format`},
		{"a time that is none is refused", "/v1/grants/ops?issued_at=yesterday", first, 400, `yesterday`},
		{"a time of issue counts", "/v1/grants/crm?issued_at=" + time.Now().UTC().Add(-time.Hour).Format(time.RFC3339), response("a", "b"), 201, `"assumed":[]`},
		{"a time of issue to come is refused", "/v1/grants/ops?issued_at=" + time.Now().UTC().Add(time.Hour).Format(time.RFC3339), first, 400, `in the future`},
		{"so is one in the body", "/v1/grants/ops", strings.Replace(first, "{", `{"issued_at":"2999-01-01T00:00:00Z",`, 1), 422, `in the future`},
		{"clocks may differ a little", "/v1/grants/ops?issued_at=" + time.Now().UTC().Add(time.Minute).Format(time.RFC3339), first, 200, `"result":"unchanged"`},
		{"too long a body is refused", "/v1/grants/ops", strings.Repeat("x", 128<<10+1), 413, `131072`},
		{"a bare token of a static grant is an access token", "/v1/grants/bot-one", "NjlhNThmODctMzE5Yy00MTU3\n", 201, `"kind":"static"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			resp := send(t, c, "PUT", test.path, test.body)
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || !strings.Contains(string(body), test.holds) {
				t.Errorf("%s %s", resp.Status, body)
			}
			if strings.Contains(string(body), "refresh-") || strings.Contains(string(body), "access-1") {
				t.Errorf("the answer holds a token: %s", body)
			}
		})
	}
}

func line(grant, token string) string {
	return fmt.Sprintf(`{"grant":%q,"access_token":"access-%s","expires_in":1000,"refresh_token":"refresh-%s"}`, grant, token, token)
}

// answers reads the lines of an answer to a bulk import.
func answers(t testing.TB, resp *http.Response) (list []wire.ImportedLine) {
	t.Helper()
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s %s", resp.Status, body)
	}
	scanner := bufio.NewScanner(resp.Body)
	for scanner.Scan() {
		var a wire.ImportedLine
		if err := json.Unmarshal(scanner.Bytes(), &a); err != nil {
			t.Fatalf("%q: %v", scanner.Text(), err)
		}
		list = append(list, a)
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestABadLineDoesNotStopTheRest(t *testing.T) {
	h := begin(t)
	resp := send(t, h.as(t, os.Geteuid()), "POST", "/v1/import", strings.Join([]string{
		line("ops", "1"),
		"not JSON",
		"",
		`{"grant":"crm","access_token":"` + strings.Repeat("x", 70_000) + `"}`,
		line("nosuch", "2"),
		line("crm", "3"),
		strings.Replace(line("ops", "5"), "{", `{"issued_at":"2999-01-01T00:00:00Z",`, 1),
		line("ops", "4"), // without a newline behind it
	}, "\n"))
	list := answers(t, resp)
	want := []struct {
		line   int
		grant  string
		result string
		error  string
	}{
		{1, "ops", "new", ""},
		{2, "", "", "JSON"},
		{4, "", "", "longer than 64 KiB"},
		{5, "nosuch", "", "no grant nosuch is declared"},
		{6, "crm", "new", ""},
		{7, "ops", "", "is issued at 2999-01-01T00:00:00Z, in the future"},
		{8, "ops", "replaced", ""},
	}
	if len(list) != len(want) {
		t.Fatalf("%d answers: %+v", len(list), list)
	}
	for i, w := range want {
		got := list[i]
		if got.Line != w.line || got.Grant != w.grant || got.Result != w.result || !strings.Contains(got.Error, w.error) || (got.Error != "") != (w.error != "") {
			t.Errorf("answer %d is %+v, not %+v", i, got, w)
		}
	}
}

func TestLinesOfOneGrantAreTakenInOrder(t *testing.T) {
	h := begin(t)
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintln(&lines, line("ops", fmt.Sprint(i)))
		fmt.Fprintln(&lines, line(fmt.Sprintf("bot-%d", i%20), fmt.Sprint(i)))
	}
	list := answers(t, send(t, h.as(t, os.Geteuid()), "POST", "/v1/import", lines.String()))
	if len(list) != 600 {
		t.Fatalf("%d answers to 600 lines", len(list))
	}
	for i, a := range list {
		if a.Line != i+1 || a.Error != "" {
			t.Fatalf("answer %d is %+v", i, a)
		}
	}
	current, err := h.fleet.Refresher.Current(t.Context(), "ops")
	if err != nil || current.Access.Reveal() != "access-299" || current.Generation != 300 {
		t.Errorf("the last line is not what counts: generation %d, %v", current.Generation, err)
	}
}

func TestLinesAreAnsweredWhileTheyCome(t *testing.T) {
	h := begin(t)
	lines, feed := io.Pipe()
	defer feed.Close()
	sent := 0
	for a, err := range h.client(t).ImportLines(t.Context(), withFirst(lines, feed, line("ops", "0"))) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Error != "" || a.Line != sent+1 {
			t.Fatalf("answer %+v to line %d", a, sent+1)
		}
		if sent++; sent == 5 {
			feed.Close()
			continue
		}
		// The next line goes out only now that this one is answered.
		fmt.Fprintln(feed, line("ops", fmt.Sprint(sent)))
	}
	if sent != 5 {
		t.Errorf("%d of 5 lines were answered", sent)
	}
}

// withFirst feeds one line as soon as somebody reads.
func withFirst(r io.Reader, feed io.Writer, text string) io.Reader {
	go fmt.Fprintln(feed, text)
	return r
}

func TestLinesForOtherGrantsAreNotAllowed(t *testing.T) {
	h := begin(t)
	h.allow([]acl.Action{acl.Admin}, "ops")
	list := answers(t, send(t, h.as(t, stranger), "POST", "/v1/import", line("ops", "1")+"\n"+line("crm", "2")+"\n"+line("nosuch", "3")+"\n"))
	if len(list) != 3 || list[0].Result != "new" || list[1].Error != "not allowed" || list[2].Error != "not allowed" {
		t.Errorf("answers %+v", list)
	}
}
