package flow

import (
	"cmp"
	"errors"
	"html"
	"net/url"
	"strings"
	"unicode"
)

// Errors of readPasted. They quote nothing: a code may stand in what was pasted.
var (
	errPastedBlank   = errors.New("that address has a blank or a line break inside: copy it once more, in one piece")
	errPastedNoURL   = errors.New("that is no URL")
	errPastedNoState = errors.New("that URL has no state in it: copy all of the address that the browser ended at")
	errPastedTwice   = errors.New("that URL names its code or state twice, with different values")
)

// readPasted returns path and query of a redirect URL that came by way of a mail
// program, a chat or a terminal: between quotes or angle brackets, as a link of
// Markdown, with & written as HTML or behind a backslash, or wrapped by a service
// that checks links. What cannot be undone for certain is refused, since the code
// in it works once: a blank inside may be where a line break cut the code.
func readPasted(text string) (path string, query url.Values, err error) {
	text = bareAddress(text)
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return "", nil, errPastedBlank
	}
	// A link may be wrapped by more than one service; nobody wraps it for ever.
	const wraps = 4
	for range wraps {
		// Its third version leaves the address as it is, question mark and all.
		if inner, found := proofpoint(text); found {
			text = inner
		}
		path, query, err := queryOf(text)
		if err != nil {
			return "", nil, err
		}
		if query.Has("state") {
			return path, query, onceEach(query)
		}
		inner, found := wrapped(text, query)
		if !found {
			break
		}
		text = bareAddress(inner)
	}
	return "", nil, errPastedNoState
}

// bareAddress takes an address out of what stands around it.
func bareAddress(text string) string {
	edge := func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }
	text = strings.TrimFunc(text, edge)
	if _, link, found := strings.Cut(text, "]("); found && strings.HasPrefix(text, "[") && strings.HasSuffix(link, ")") {
		text = strings.TrimSuffix(link, ")")
	}
	for again := true; again; {
		again = false
		for _, pair := range []string{`""`, `''`, "``", "<>", "()", "“”", "‘’", "«»"} {
			marks := []rune(pair)
			inner, opens := strings.CutPrefix(text, string(marks[0]))
			if inner, closes := strings.CutSuffix(inner, string(marks[1])); opens && closes {
				text, again = strings.TrimFunc(inner, edge), true
			}
		}
	}
	// A shell's backslashes: none stands in a URL by itself.
	text = strings.ReplaceAll(text, `\`, "")
	if strings.Contains(text, "&amp;") || strings.Contains(text, "&#") {
		text = html.UnescapeString(text)
	}
	return text
}

// queryOf returns path and query of an address, or the query of the part of one
// that begins at its question mark; where a server answered in the fragment, that.
func queryOf(text string) (path string, query url.Values, err error) {
	part := !strings.Contains(text, "://") && strings.Contains(text, "state=") && strings.Contains(text, "=")
	if part {
		text = "x://x/?" + text[strings.IndexByte(text, '?')+1:]
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		// The error of the parser quotes the URL.
		return "", nil, errPastedNoURL
	}
	if query, err = url.ParseQuery(u.RawQuery); err != nil {
		return "", nil, errPastedNoURL
	}
	if !part {
		path = cmp.Or(u.Path, "/")
	}
	if fragment, err := url.ParseQuery(u.Fragment); err == nil && !query.Has("state") && fragment.Has("state") {
		return path, fragment, nil
	}
	return path, query, nil
}

// wrapped finds the address within one of a service that checks links: as a
// value of its query (SafeLinks, Google, Barracuda, Slack), in the alphabet of
// Proofpoint's second version, or as a part of its path (Cisco).
func wrapped(text string, query url.Values) (string, bool) {
	for _, values := range query {
		for _, v := range values {
			if isAddress(v) {
				return v, true
			}
			if v, err := url.QueryUnescape(strings.NewReplacer("-", "%", "_", "/").Replace(v)); err == nil && isAddress(v) {
				return v, true
			}
		}
	}
	_, path, _ := strings.Cut(text, "://")
	for _, part := range strings.Split(path, "/") {
		if v, err := url.PathUnescape(part); err == nil && isAddress(v) {
			return v, true
		}
	}
	return "", false
}

// proofpoint undoes the third version of Proofpoint's wrapping. An asterisk in it
// stands for bytes that are kept apart: such an address is left alone.
func proofpoint(text string) (string, bool) {
	_, rest, found := strings.Cut(text, "/v3/__")
	inner, _, ends := strings.Cut(rest, "__;")
	return inner, found && ends && isAddress(inner) && !strings.Contains(inner, "*")
}

func isAddress(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

func onceEach(query url.Values) error {
	for _, name := range []string{"code", "state", "error"} {
		for _, v := range query[name] {
			if v != query.Get(name) {
				return errPastedTwice
			}
		}
	}
	return nil
}
