package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"unicode"
)

// Words are the scope that a server granted. Printed bare they hold the characters
// of RFC 6749 section 3.3 alone, which a quote and a backslash are not among, and an
// underscore for each other one. The functions of templates take them as they are.
type Words string

func (w Words) String() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, string(w))
}

// A Name is what a server calls a person, a site or a type of token. Printed bare it
// holds letters, digits, blanks and "-._+@", and an underscore for each other
// character: a name that means something to a shell is a command.
type Name string

func (n Name) String() string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -._+@", r) {
			return r
		}
		return '_'
	}, string(n))
}

// Quotes are the functions by which a template writes a value that stays one value
// for whoever reads the file, whatever characters it has.
func Quotes() template.FuncMap {
	return template.FuncMap{"sh": quoteSh, "json": quoteJSON, "yaml": quoteJSON, "xml": quoteXML, "ini": quoteINI}
}

// plain is a value as the server wrote it.
func plain(value any) string {
	switch v := value.(type) {
	case Words:
		return string(v)
	case Name:
		return string(v)
	}
	return fmt.Sprint(value)
}

// quoteSh puts a value into single quotes, in which a shell finds nothing but their end.
func quoteSh(value any) string {
	return "'" + strings.ReplaceAll(plain(value), "'", `'\''`) + "'"
}

// quoteJSON serves YAML too, in which JSON's text means the same.
func quoteJSON(value any) (string, error) {
	if n, ok := value.(uint64); ok {
		return fmt.Sprint(n), nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(plain(value))
	return strings.TrimSuffix(out.String(), "\n"), err
}

func quoteXML(value any) (string, error) {
	var out bytes.Buffer
	err := xml.EscapeText(&out, []byte(plain(value)))
	return out.String(), err
}

// errINI refuses what readers of INI files and of units take for different things:
// there is no way of quoting on which they agree.
var errINI = errors.New("a value has a character that INI files and units give a meaning to")

func quoteINI(value any) (string, error) {
	text := plain(value)
	if strings.TrimSpace(text) != text || strings.ContainsAny(text, "\"'\\;#%$`[]\r\n") {
		return "", errINI
	}
	return text, nil
}
