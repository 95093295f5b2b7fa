// Package discovery reads what an authorization server says of itself, OpenID
// Connect Discovery 1.0 and RFC 8414, and makes the settings of an integration of
// it.
package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxSize bounds a metadata document, in bytes.
const maxSize = 1 << 20

// Metadata is what counts of a document.
type Metadata struct {
	Issuer      string   `json:"issuer"`
	Authorize   string   `json:"authorization_endpoint"`
	Token       string   `json:"token_endpoint"`
	Device      string   `json:"device_authorization_endpoint"`
	Revoke      string   `json:"revocation_endpoint"`
	Scopes      []string `json:"scopes_supported"`
	Grants      []string `json:"grant_types_supported"`
	Auth        []string `json:"token_endpoint_auth_methods_supported"`
	PKCE        []string `json:"code_challenge_methods_supported"`
	NamesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
}

// Fetch asks an issuer for its metadata, at the places that the two standards
// name. A client of nil is one with a timeout of 30 s.
func Fetch(ctx context.Context, client *http.Client, issuer string) (Metadata, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return Metadata{}, fmt.Errorf("%q is no URL of an issuer, such as https://login.example.com", issuer)
	}
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	var failed []error
	for _, place := range places(u) {
		m, err := fetch(ctx, client, place)
		if err == nil {
			return m, nil
		}
		failed = append(failed, err)
	}
	return Metadata{}, errors.Join(failed...)
}

// places lists where metadata may stand; an issuer may also be given by the
// address of the document itself.
func places(issuer *url.URL) []string {
	if strings.Contains(issuer.Path, "/.well-known/") {
		return []string{issuer.String()}
	}
	base := issuer.Scheme + "://" + issuer.Host
	path := strings.TrimSuffix(issuer.Path, "/")
	list := []string{base + path + "/.well-known/openid-configuration"}
	if path != "" {
		list = append(list, base+"/.well-known/openid-configuration"+path)
	}
	return append(list, base+"/.well-known/oauth-authorization-server"+path)
}

func fetch(ctx context.Context, client *http.Client, place string) (m Metadata, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
	if err != nil {
		return m, fmt.Errorf("read metadata: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return m, fmt.Errorf("read metadata: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSize))
	switch {
	case err != nil:
		return m, fmt.Errorf("read metadata from %s: %w", place, err)
	case resp.StatusCode != http.StatusOK:
		return m, fmt.Errorf("read metadata from %s: it answers %d", place, resp.StatusCode)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("read metadata from %s: it is no JSON of that kind", place)
	}
	if !isEndpoint(m.Token) {
		return m, fmt.Errorf("read metadata from %s: it names no token_endpoint", place)
	}
	return m, nil
}

func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
