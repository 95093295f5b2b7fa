package configfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
)

// write puts a file into a folder and returns its path. Chmod makes the mode
// independent of the umask.
func write(t *testing.T, folder, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := errors.Join(os.WriteFile(path, []byte(content), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIsOnDiskIsAFaultWhereTheCallerMayRefuseAndAWarningAtAStart(t *testing.T) {
	const fault, warning, silence = "fault", "warning", "silence"
	folder := t.TempDir()
	good := write(t, folder, "good.secret", "s\n", 0o600)
	integration := func(lines string) string {
		return "integration \"crm\" {\n  kind = \"static\"\n" + lines + "\n}\n"
	}
	output := func(path string) string {
		return integration("") + fmt.Sprintf("runtime_dir = %q\ngrant \"ops\" {\n  integration = \"crm\"\n  file {\n    path = %q\n  }\n}\n", folder, path)
	}
	webhook := func(secret string) string {
		return "alert {\n  webhook_url = \"https://hooks.example.com/\"\n  webhook_secret_file = \"" + secret + "\"\n}\n"
	}
	template := func(path string) string {
		return strings.Replace(output(folder+"/ini"), "    path", "    format = \"template\"\n    template_file = \""+path+"\"\n    path", 1)
	}
	for _, test := range []struct {
		name          string
		src           string
		strict, start string
		says          string
	}{
		{"a good secret", integration("client_secret_file = \"" + good + "\""), silence, silence, ""},
		{"a secret that is not there", integration("client_secret_file = \"" + folder + "/none\""), fault, warning, "Cannot read the client secret"},
		{"a secret that is a folder", integration("client_secret_file = \"" + folder + "\""), fault, warning, "not a regular file"},
		{"a secret that everyone may change", integration("client_secret_file = \"" + write(t, folder, "open.secret", "s", 0o602) + "\""), fault, fault, "Everyone may write to a secret file"},
		{"a secret that everyone may read", integration("client_secret_file = \"" + write(t, folder, "read.secret", "s", 0o644) + "\""), warning, warning, "every local user can read"},
		{"a webhook secret that is not there", webhook(folder + "/none"), fault, warning, "Cannot read the webhook secret"},
		{"a webhook secret that everyone may change", webhook(write(t, folder, "open.webhook", "s", 0o606)), fault, fault, "Everyone may write to a secret file"},
		{"a good webhook secret", webhook(good), silence, silence, ""},
		{"a credential outside the service", integration("client_secret_credential = \"crm\""), warning, warning, "cannot be checked here"},
		{"a seed that is not there", integration("") + "grant \"ops\" {\n  integration = \"crm\"\n  seed {\n    file = \"" + folder + "/none\"\n  }\n}\n", silence, silence, ""},
		{"a seed that everyone may change", integration("") + "grant \"ops\" {\n  integration = \"crm\"\n  seed {\n    file = \"" + write(t, folder, "open.json", "{}", 0o666) + "\"\n  }\n}\n", fault, fault, "Everyone may write to a secret file"},
		{"a client that a static token has not", integration("client_id = \"C1\""), fault, warning, "client_id of kind static"},
		{"format xml without a site", strings.Replace(output(folder+"/xml"), "    path", "    format = \"xml\"\n    path", 1), fault, warning, "Format xml without a site"},
		{"format xml with a site and perhaps no user", strings.Replace(strings.Replace(output(folder+"/xml"), "    path", "    format = \"xml\"\n    path", 1), "kind =", "site = \"acme\"\n  kind =", 1), warning, warning, "names a user"},
		{"certificates that are none", integration("ca_file = \"" + good + "\""), fault, warning, "No certificate in ca_file"},
		{"a textfile in a folder that is not there", fmt.Sprintf("maintenance {\n  textfile = %q\n}\n", folder+"/none/t.prom"), fault, warning, "The folder of the output does not exist"},
		{"a state_dir that is a file", "state_dir = \"" + good + "\"\n", fault, fault, "state_dir is not a folder"},
		{"an output below the runtime folder", output(folder + "/new/folder/ops"), silence, silence, ""},
		{"an output whose folder is not there", output("/nowhere/ops"), fault, warning, "The folder of the output does not exist"},
		{"an output that is a folder now", output(folder), fault, warning, "not a regular file"},
		{"a template that is not there", template(folder + "/none.tmpl"), fault, warning, "Cannot read template_file"},
		{"a template that is empty", template(write(t, folder, "empty.tmpl", "", 0o600)), fault, fault, "template_file is empty"},
		{"a template with a misspelt name", template(write(t, folder, "bad.tmpl", "a\n{{ .Token }}\n", 0o600)), fault, fault, "Line 2 of the file: <.Token>: can't evaluate field Token"},
		{"a template that everyone may change", template(write(t, folder, "open.tmpl", "{{ .AccessToken }}\n", 0o602)), fault, fault, "Others may change the template"},
		{"a good template", template(write(t, folder, "good.tmpl", "{{ .AccessToken }}\n", 0o600)), silence, silence, ""},
		{"a program that is not there", "alert {\n  command = [\"" + folder + "/none\"]\n}\n", warning, warning, "there is no program " + folder + "/none"},
		{"a program that cannot be run", "alert {\n  command = [\"" + good + "\"]\n}\n", warning, warning, "there is no program"},
		{"a program that everyone may change", "alert {\n  command = [\"" + write(t, folder, "open.sh", "", 0o777) + "\"]\n}\n", fault, fault, "Others may change the program"},
		{"a good program", "alert {\n  command = [\"/bin/true\"]\n}\n", silence, silence, ""},
		{"an unknown group", "api {\n  group = \"no-such-group\"\n}\n", warning, warning, "no group \"no-such-group\""},
		{"an unknown user", "allow {\n  users   = [\"no-such-user\"]\n  actions = [\"token\"]\n  grants  = [\"*\"]\n}\n", warning, warning, "no user \"no-such-user\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("CREDENTIALS_DIRECTORY", "")
			path := write(t, t.TempDir(), "config.hcl", test.src, 0o600)
			for strict, want := range map[bool]string{true: test.strict, false: test.start} {
				c, err := configfile.Load(path, configfile.Options{Strict: strict})
				got, text := silence, ""
				switch {
				case err != nil:
					got, text = fault, err.Error()
				case len(c.Warnings) > 0:
					got, text = warning, strings.Join(c.Warnings, "\n")
				}
				if got != want || !strings.Contains(text, test.says) {
					t.Errorf("strict %v: got a %s %q, want a %s with %q", strict, got, text, want, test.says)
				}
			}
		})
	}
}

func TestAConfigThatEveryoneMayChangeIsToldWithItsCure(t *testing.T) {
	path := write(t, t.TempDir(), "config.hcl", "", 0o666)
	for _, strict := range []bool{true, false} {
		_, err := configfile.Load(path, configfile.Options{Strict: strict})
		if err == nil || !strings.Contains(err.Error(), path+":1: Others may change the configuration") || !strings.Contains(err.Error(), "chmod go-w "+path) {
			t.Errorf("strict %v: %v", strict, err)
		}
	}
}

func TestAConfigThatCannotBeReadIsNoFaultOfItsText(t *testing.T) {
	_, err := configfile.Load(filepath.Join(t.TempDir(), "none"), configfile.Options{})
	if _, ok := errors.AsType[*configfile.Faults](err); ok || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestFaultsAreColouredOnRequest(t *testing.T) {
	_, err := configfile.Parse([]byte("x = 1\n"), "config.hcl")
	faults, ok := errors.AsType[*configfile.Faults](err)
	if !ok {
		t.Fatal(err)
	}
	var plain, coloured bytes.Buffer
	if err := errors.Join(faults.Print(&plain, 78, false), faults.Print(&coloured, 78, true)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b") {
		t.Errorf("plain %q, coloured %q", plain.String(), coloured.String())
	}
}

func TestNothingIsWrittenOverWhatTheConfigurationIsMadeOf(t *testing.T) {
	folder := t.TempDir()
	if err := errors.Join(os.Mkdir(folder+"/real", 0o755), os.Symlink("real", folder+"/alias")); err != nil {
		t.Fatal(err)
	}
	web := write(t, folder, "web.yml", "tls_server_config:\n  cert_file: web.crt\n  key_file: "+folder+"/web.key\n  client_ca_file: people.pem\n", 0o600)
	linked := write(t, folder+"/real", "config.hcl", "", 0o600)
	if err := os.Symlink("real/config.hcl", folder+"/config.hcl"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, config, output, says string
	}{
		{"itself", folder + "/real/config.hcl", folder + "/real/config.hcl", "this configuration"},
		{"itself at the end of a link", folder + "/config.hcl", folder + "/real/config.hcl", "this configuration"},
		{"itself in a folder with two names", folder + "/real/config.hcl", folder + "/alias/config.hcl", "this configuration"},
		{"itself under a pattern", folder + "/real/config.hcl", folder + "/real/{{ .Grant }}.hcl", "this configuration"},
		{"the certificate of the pages", folder + "/real/config.hcl", folder + "/web.crt", "a file of web_config_file"},
		{"the key of the pages", folder + "/real/config.hcl", folder + "/web.key", "a file of web_config_file"},
		{"the authority of people", folder + "/real/config.hcl", folder + "/people.pem", "a file of web_config_file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			grant := "ops"
			if strings.Contains(test.output, "{{") {
				grant = "config*"
			}
			src := fmt.Sprintf("http {\n  web_config_file = %q\n}\nintegration \"bots\" {\n  kind = \"static\"\n}\ngrant %q {\n  integration = \"bots\"\n  file {\n    path = %q\n  }\n}\n", web, grant, test.output)
			if err := os.WriteFile(linked, []byte(src), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := configfile.Load(test.config, configfile.Options{Strict: true})
			if err == nil || !strings.Contains(err.Error(), " is also "+test.says) {
				t.Errorf("got %v, want a fault that says %q", err, test.says)
			}
		})
	}
}

func TestARelativePathOfTheConfigurationIsTheSameFile(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	write(t, here, "config.hcl", "integration \"bots\" {\n  kind = \"static\"\n}\ngrant \"ops\" {\n  integration = \"bots\"\n  file {\n    path = \""+here+"/config.hcl\"\n  }\n}\n", 0o600)
	if _, err := configfile.Load("config.hcl", configfile.Options{}); err == nil || !strings.Contains(err.Error(), "config.hcl is also this configuration") {
		t.Errorf("got %v", err)
	}
}
