package configfile

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// absent are keys that the grammar has in order to refuse them.
var absent = []string{
	"client_secret",
}

func TestTheExampleShowsEveryKeyOfThisVersion(t *testing.T) {
	src, err := os.ReadFile("../../config.example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	keys := keysOf(reflect.TypeFor[document]())
	if !slices.Contains(keys, "client_secret_file_next") {
		t.Fatal("the keys of nested blocks are not found")
	}
	for _, key := range keys {
		shown := regexp.MustCompile(`(?m)^[ #]*` + key + `\b`).Match(src)
		if shown == slices.Contains(absent, key) {
			t.Errorf("key %s: shown is %v", key, shown)
		}
	}
}

func keysOf(block reflect.Type) []string {
	var keys []string
	for field := range block.Fields() {
		key, kind, _ := strings.Cut(field.Tag.Get("hcl"), ",")
		if key == "" || strings.HasPrefix(kind, "label") {
			continue
		}
		keys = append(keys, key)
		if inner := field.Type; kind == "block" {
			for inner.Kind() != reflect.Struct {
				inner = inner.Elem()
			}
			keys = append(keys, keysOf(inner)...)
		}
	}
	return keys
}
