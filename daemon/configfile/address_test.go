package configfile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"webex-tokend/daemon/address"
	"webex-tokend/daemon/configfile"
)

// FuzzAddress holds what commands find by a glance to what the daemon reads: of a
// configuration without a fault they find the same socket, or nothing.
func FuzzAddress(f *testing.F) {
	for _, src := range addressed() {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		socket, found := address.Find([]byte(src))
		c, err := configfile.Parse([]byte(src), "config.hcl")
		if found && err == nil && socket != c.API.Socket {
			t.Errorf("%q: found %q, and the daemon listens on %q", src, socket, c.API.Socket)
		}
	})
}

// addressed are texts of configurations, and the socket to be found in each; empty:
// none.
func addressed() []string {
	return []string{
		"", "# nothing\n", "\ufeff", "api {}", "api {\n}\n", "api {\n  socket = \"/a\"\n}", "api { socket = \"/a\" }", "api { socket = \"/a\" } // c",
		"api {\n  mode = \"0600\" /* } */ \n  # }\n  socket = \"/a/../b/\" # c\n}\n", "api {\n  socket = \"/a\"\n  socket = \"/b\"\n}\n", "api \"x\" {\n}\n",
		"api {\n  socket = \"/a\" \"/b\"\n}\n", "api {\n  socket = null\n}\n", "api {\n  socket = (\"/a\")\n}\n", "api {\n  socket = \"/${\"a\"}\"\n}\n",
		"api {\n  socket = \"/\\u0061\"\n}\n", "api {\n  socket = \"/\u0065\u0301\"\n}\n", "api {\n  socket = \"/$${a}\"\n}\n", "api {\n  socket = <<E\n/a\nE\n}\n",
		"runtime_dir = \"/x\"\n", "runtime_dir = \"/x\"\napi {\n  group = \"0\"\n}\n", "api {}\nruntime_dir = \"/x\"\n", "runtime_dir = \"/x\"\r\napi {\r\n  socket = \"/a\"\r\n}\r\n",
		"runtime_dir = \"x\"\n", "runtime_dir = \"\"\n", "api { socket = \"a\" }\n", "api { socket = \"/" + strings.Repeat("a", 200) + "\" }\n",
		"grant \"api\" {\n  integration = \"i\"\n  file {\n    path = \"/x\"\n    template = <<-EOT\n      api { socket = \"/b\" }\n    EOT\n  }\n}\nintegration i {\n  kind = \"static\"\n}\napi { socket = \"/a\" }\n",
		"log_levels = {\n  a = \"info\"\n  api = \"info\"\n}\napi { socket = \"/a\" }\n", "state_dir = \"/x # y\" # \"\napi { socket = \"/a\" }\n",
		"integration \"i\" {\n  scopes = [\n    \"a\", # ]\n    \"b\\\"}\",\n  ]\n}\napi { socket = \"/a\" }\n", "maintenance {\n  keep = 1 < 2 ? 3 : 4\n}\napi { socket = \"/a\" }\n",
		"}\n", "{\n", "api {\n", "api {\n}}\n", "/* ", "\"", "a", "a b", "a = <<E\n", "a = \"\n", "socket = \"/a\"\n", "api { socket = \"/a\n\" }\n", "a = 1 }\n",
	}
}

func TestCommandsFindTheSocketWithoutParsingTheRest(t *testing.T) {
	example, err := os.ReadFile("../../config.example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, src, want string }{
		{"the example", string(example), "/run/webex-tokend/api.sock"},
		{"nothing", "", "/run/webex-tokend/api.sock"},
		{"in its block", "api {\n  socket = \"/a/b/\" # here\n}\n", "/a/b"},
		{"on one line", `api { socket = "/a" }`, "/a"},
		{"with the ends of lines of another system", "api {\r\n  socket = \"/a\"\r\n}\r\n", "/a"},
		{"by runtime_dir, behind a block of another name", "grant \"api\" {\n  file {\n    template = <<EOT\napi { socket = \"/b\" }\nEOT\n  }\n}\nruntime_dir = \"/x\"\n", "/x/api.sock"},
		{"behind a fault", "integration \"crm\" {\n  no_such_key = [1, {}]\n}\napi { socket = \"/a\" }\n", "/a"},
		{"in a template", "api { socket = \"/${\"a\"}\" }\n", ""},
		{"behind a template", "x = \"${\"}\"}\"\napi { socket = \"/a\" }\n", ""},
		{"as a relative path", "api { socket = \"a\" }\n", ""},
		{"in a file that is no configuration", "eyJhbGciOi.J9-_\n", ""},
		{"in a key", strings.Repeat("QUFB", 11) + "\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, found := address.Find([]byte(c.src))
			if found != (c.want != "") || found && got != c.want {
				t.Errorf("found %q, %v", got, found)
			}
		})
	}
}

func BenchmarkAddress(b *testing.B) {
	var src strings.Builder
	src.WriteString("integration \"crm\" {\n  kind = \"static\"\n}\n")
	for i := range 10_000 {
		fmt.Fprintf(&src, "grant \"g%d\" {\n  integration = \"crm\"\n  file {\n    path = \"/run/webex-tokend/tokens/g%d\"\n  }\n}\n", i, i)
	}
	b.Run("10000 grants", func(b *testing.B) {
		for b.Loop() {
			if _, ok := address.Find([]byte(src.String())); !ok {
				b.Fatal("not found")
			}
		}
	})
}
