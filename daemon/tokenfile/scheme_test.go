package tokenfile_test

import (
	"fmt"
	"testing"

	"webex-tokend/daemon/tokenfile"
)

func TestATokenOfAnotherSchemeIsRefusedAndOneOfABearerIsNot(t *testing.T) {
	for scheme, taken := range map[string]bool{
		"Bearer": true, " bearer ": true, "BearerToken": true, "bot": true, "jwt-bearer": true, "access_token": true,
		"mac": false, "MAC": false, "DPoP": false, "dpop": false, "pop": false,
	} {
		text := fmt.Sprintf(`{"access_token":"acc","refresh_token":"ref","expires_in":3600,"token_type":%q}`, scheme)
		if _, err := tokenfile.Parse([]byte(text), tokenfile.Auto); (err == nil) != taken {
			t.Errorf("token_type %q: %v", scheme, err)
		}
	}
}
