package configfile_test

import (
	"strings"
	"testing"

	"webex-tokend/daemon/configfile"
)

func TestAFolderTooLongForItsSocketsIsAFault(t *testing.T) {
	const limit = 107 // sockaddr_un of Linux
	folder := "/" + strings.Repeat("x", limit-len("//credential.sock"))
	if _, err := configfile.Parse([]byte(`runtime_dir = "`+folder+`"`), "config.hcl"); err != nil {
		t.Errorf("the longest is refused: %v", err)
	}
	_, err := configfile.Parse([]byte(`runtime_dir = "`+folder+`y"`), "config.hcl")
	if err == nil || !strings.Contains(err.Error(), "runtime_dir is too long for a socket") || strings.Contains(err.Error(), "api.sock") {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := configfile.Parse([]byte(`runtime_dir = "`+folder+`y"`+"\napi {\ncredential_socket = \"/run/c\"\n}"), "config.hcl"); err != nil {
		t.Errorf("with its socket elsewhere: %v", err)
	}
}
