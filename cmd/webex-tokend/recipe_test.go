package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/emulator"
)

// A recipe is a file in recipes: its code by language, in order.
type recipe map[string][]string

// readRecipe finds the file with a headline.
func readRecipe(t *testing.T, headline string) recipe {
	t.Helper()
	var part string
	for _, name := range recipeOrder() {
		text, err := os.ReadFile("recipes/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		if rest, found := strings.CutPrefix(string(text), "# "+headline+"\n"); found {
			part = rest
		}
	}
	if part == "" {
		t.Fatalf("there is no recipe %q", headline)
	}
	r := make(recipe)
	for {
		_, rest, found := strings.Cut(part, "\n```")
		if !found {
			return r
		}
		language, rest, _ := strings.Cut(rest, "\n")
		code, rest, found := strings.Cut(rest, "\n```")
		if !found {
			t.Fatalf("recipe %q has code without an end", headline)
		}
		r[language] = append(r[language], code+"\n")
		part = rest
	}
}

// one returns the only code in that language.
func (r recipe) one(t *testing.T, language string) string {
	t.Helper()
	if len(r[language]) != 1 {
		t.Fatalf("the recipe has %d times code in %s, want one", len(r[language]), language)
	}
	return r[language][0]
}

// follow sets a host up as a recipe says, with a token in place.
func follow(t *testing.T, headline, grant string, kind emulator.Kind) (*estate, recipe) {
	t.Helper()
	e, r := newEstate(t), readRecipe(t, headline)
	e.declare(r.one(t, "hcl"))
	e.start()
	e.register(grant, kind)
	e.until("the outputs are written", func() bool {
		var status struct {
			Grants []struct {
				Outputs []struct{ State string }
			}
		}
		if err := json.Unmarshal([]byte(e.output("webex-tokend", "status", grant, "--json")), &status); err != nil {
			t.Fatal(err)
		}
		for _, output := range status.Grants[0].Outputs {
			if output.State != "ok" {
				return false
			}
		}
		return true
	})
	return e, r
}

// named is what the emulator calls whoever consented.
const named = `"displayName":"Alex Morgan"`

func TestTheRecipeForCurl(t *testing.T) {
	needs(t, "curl")
	e, r := follow(t, "curl", "ops", emulator.REST)
	token := strings.TrimSpace(e.output("webex-tokend", "token", "ops"))
	out := e.output("sh", "-ec", e.here(r.one(t, "sh")))
	if !strings.Contains(out, named) || !strings.Contains(out, `"access_token":"`+token+`"`) {
		t.Errorf("curl prints %s", out)
	}
}

func TestTheRecipeForPython(t *testing.T) {
	const python = "/usr/bin/python3" // the one that distributions make modules for
	if exec.Command(python, "-c", "import yaml").Run() != nil {
		lacks(t, "python3-yaml")
	}
	e, r := follow(t, "Python", "ops", emulator.REST)
	stand, err := filepath.Abs("testdata/python")
	if err != nil {
		t.Fatal(err)
	}
	ours, rest, _ := strings.Cut(os.Getenv("PATH"), ":")
	t.Setenv("PATH", strings.Join([]string{ours, filepath.Dir(python), rest}, ":"))
	t.Setenv("PYTHONPATH", stand)
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	if out := e.output(python, "-c", e.here(r.one(t, "python"))); out != "Alex Morgan\n" {
		t.Errorf("the program prints %q", out)
	}
	e.write("report.py", "from webexpythonsdk import WebexAPI\nprint(WebexAPI().people.me().displayName)\n")
	if out := e.output("sh", "-ec", r.one(t, "sh")); out != "Alex Morgan\n" {
		t.Errorf("the program prints %q", out)
	}
}

func TestTheRecipeForNode(t *testing.T) {
	needs(t, "node")
	modules := os.Getenv("WEBEX_TOKEND_NODE_MODULES")
	if modules == "" {
		lacks(t, "$WEBEX_TOKEND_NODE_MODULES, a folder with what the recipe installs")
	}
	e, r := follow(t, "Node", "ops", emulator.REST)
	t.Setenv("NODE_PATH", modules)
	// How the SDK is told of another Webex.
	t.Setenv("HYDRA_SERVICE_URL", e.server.URL+"/v1")
	t.Setenv("U2C_SERVICE_URL", e.server.URL+"/u2c/api/v1")
	e.write("report.js", r.one(t, "js"))
	if out := e.output("sh", "-ec", r.one(t, "sh")); !strings.HasSuffix(out, "Alex Morgan\n") {
		t.Errorf("the program prints %q", out)
	}
}

func TestTheRecipeForTheMeetingsAPI(t *testing.T) {
	needs(t, "curl")
	e, r := follow(t, "Meetings XML API", "meetings", emulator.Meetings)
	out := e.output("sh", "-ec", e.here(r.one(t, "sh")))
	if !strings.Contains(out, "SUCCESS") {
		t.Errorf("the API answers %s", out)
	}
}

// takeXML answers as the Meetings XML API does to those whom it knows.
func (e *estate) takeXML(w http.ResponseWriter, r *http.Request) {
	var message struct {
		XMLName xml.Name `xml:"http://www.webex.com/schemas/2002/06/service message"`
		Context struct {
			Site  string `xml:"siteName"`
			User  string `xml:"webExID"`
			Token string `xml:"webExAccessToken"`
		} `xml:"header>securityContext"`
		Content struct {
			Type string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		} `xml:"body>bodyContent"`
	}
	result := "FAILURE"
	if err := xml.NewDecoder(r.Body).Decode(&message); err != nil {
		result = err.Error()
	} else if c := message.Context; e.webex.ValidAccess(c.Token) && c.Site == "acme" && c.User != "" && message.Content.Type != "" {
		result = "SUCCESS"
	}
	fmt.Fprintf(w, "<result>%s</result>", result)
}

func TestTheRecipeForASystemdService(t *testing.T) {
	needs(t, "systemd-analyze")
	e, r := follow(t, "systemd service", "ops", emulator.REST)
	units := r["ini"]
	if len(units) != 3 {
		t.Fatalf("the recipe has %d units", len(units))
	}
	for _, unit := range units {
		path, _, _ := strings.Cut(strings.TrimPrefix(unit, "# "), "\n")
		if !strings.HasPrefix(path, "/etc/systemd/system/") {
			t.Fatalf("a unit of the recipe begins with %q", path)
		}
		e.write(path, unit)
	}
	e.write("/etc/systemd/system/crm.service", "[Service]\nExecStart=/usr/bin/printenv WEBEX_ACCESS_TOKEN\n")
	shipped, err := os.ReadFile("../../systemd/webex-tokend.service")
	if err != nil {
		t.Fatal(err)
	}
	e.write("/etc/systemd/system/webex-tokend.service", string(shipped))
	for _, program := range []string{"/usr/bin/printenv", "/usr/bin/systemctl", "/usr/bin/webex-tokend"} {
		e.write(program, "")
		if err := os.Chmod(e.path(program), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The units that every host has.
	if err := os.MkdirAll(e.path("/usr/lib/systemd"), 0o755); err != nil {
		t.Fatal(err)
	}
	e.output("cp", "-a", "/usr/lib/systemd/system", e.path("/usr/lib/systemd/"))
	out, err := e.command("systemd-analyze", "verify", "--root="+e.dir, "crm.service", "crm-webex.path").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd says %v, %s", err, out)
	}
	if token := e.output("webex-tokend", "token", "ops"); e.read("/run/webex-tokend/tokens/ops.env") != "WEBEX_ACCESS_TOKEN="+token {
		t.Errorf("the file holds %q", e.read("/run/webex-tokend/tokens/ops.env"))
	}
	if !strings.Contains(e.read("/etc/systemd/system/crm.service.d/webex.conf"), "EnvironmentFile=/run/webex-tokend/tokens/ops.env\n") {
		t.Error("the service does not read the file of the grant")
	}
}

// judge is polkit as far as a rule sees it: it prints what the rules in the
// file of its first argument say of each request in the second.
const judge = `
let rule;
const polkit = {addRule: (f) => { rule = f; }, Result: {YES: "yes"}};
eval(require("fs").readFileSync(process.argv[1], "utf8"));
for (const [user, id, unit, verb] of JSON.parse(process.argv[2])) {
  console.log(rule({id, lookup: (key) => ({unit, verb})[key]}, {user}) || "no");
}`

func TestTheRuleForHooksAllowsNoMoreThanItSays(t *testing.T) {
	needs(t, "node")
	const manage = "org.freedesktop.systemd1.manage-units"
	requests, err := json.Marshal([][]string{
		{"webex-tokend", manage, "crm.service", "reload"},
		{"webex-tokend", manage, "crm.service", "reload-or-try-restart"},
		{"webex-tokend", manage, "crm.service", "stop"},
		{"webex-tokend", manage, "ssh.service", "restart"},
		{"webex-tokend", "org.freedesktop.systemd1.manage-unit-files", "crm.service", "reload"},
		{"somebody", manage, "crm.service", "reload"},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("node", "-e", judge, "../../systemd/webex-tokend.rules", string(requests)).CombinedOutput()
	if err != nil || string(out) != "yes\nyes\nno\nno\nno\nno\n" {
		t.Errorf("the rule says %q, %v", out, err)
	}
}
