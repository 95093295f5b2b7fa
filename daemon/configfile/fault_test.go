package configfile_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"webex-tokend/daemon/configfile"
)

var update = flag.Bool("update", false, "write the golden files anew")

const crm = `
integration "crm" {
  kind               = "rest"
  client_id          = "C0ffee"
  client_secret_file = "/etc/webex-tokend/crm.secret"
}
`

func TestEachFaultIsPrintedWithItsPlaceAndTheNextStep(t *testing.T) {
	const golden = "testdata/faults.txtar"
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < 2 {
		t.Fatal("no cases")
	}
	for n := 0; n+1 < len(archive.Files); n += 2 {
		source, want := archive.Files[n], &archive.Files[n+1]
		t.Run(source.Name, func(t *testing.T) {
			_, err := configfile.Parse(slices.Concat(source.Data, []byte(crm)), "config.hcl")
			faults, ok := errors.AsType[*configfile.Faults](err)
			if !ok {
				t.Fatalf("got %v, want faults", err)
			}
			var printed bytes.Buffer
			if err := faults.Print(&printed, 78, false); err != nil {
				t.Fatal(err)
			}
			if *update {
				want.Data = printed.Bytes()
			} else if printed.String() != string(want.Data) {
				t.Errorf("printed:\n%s\nwant:\n%s", printed.String(), want.Data)
			}
			if strings.Contains(printed.String(), "hunter2") || strings.Contains(err.Error(), "hunter2") {
				t.Error("a secret is shown")
			}
		})
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFaultsMakeOneLineEachForTheLog(t *testing.T) {
	_, err := configfile.Parse([]byte("log_level = \"loud\"\nstate_dir = \"x\"\n"), "config.hcl")
	faults, ok := errors.AsType[*configfile.Faults](err)
	if !ok {
		t.Fatalf("got %v, want faults", err)
	}
	want := []string{
		`config.hcl:1: Unknown log_level "loud". Known: trace, debug, info, warn, error.`,
		`config.hcl:2: state_dir is a relative path. Write it from the root, beginning with a slash.`,
	}
	if got := faults.Lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheTextOfAFaultShowsNothingOfAFileThatIsNoConfiguration(t *testing.T) {
	const secret = "OTIyMGQxYzItZTM1"
	for _, src := range []string{
		secret, secret + "\n", secret + "==\n", secret + "_PF84_1eb65fdf\n",
		"Authorization: Bearer " + secret + "\n", "WEBEX_ACCESS_TOKEN='" + secret + "'\n", "WEBEX_ACCESS_TOKEN=\"" + secret + "\"\n",
		"{\"access_token\": \"" + secret + "\"}\n", "access_token: " + secret + "\n", "<webExAccessToken>" + secret + "</webExAccessToken>\n",
	} {
		_, err := configfile.Parse([]byte(src), "config.hcl")
		if err == nil || strings.Contains(err.Error(), secret[:6]) {
			t.Errorf("%q: got %v", src, err)
		}
	}
}
