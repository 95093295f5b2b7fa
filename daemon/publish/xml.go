package publish

import (
	"encoding/xml"
	"errors"
	"webex-tokend/daemon/refresh"
)

// A securityContext stands in the header of each request to the Meetings XML
// API and says who asks:
//
//	<securityContext>
//	  <siteName>acme</siteName>
//	  <webExID>jane</webExID>
//	  <webExAccessToken>...</webExAccessToken>
//	</securityContext>
type securityContext struct {
	XMLName     xml.Name `xml:"securityContext"`
	SiteName    string   `xml:"siteName"`
	WebExID     string   `xml:"webExID"`
	AccessToken string   `xml:"webExAccessToken"`
}

func renderXML(token string, current refresh.Current) ([]byte, error) {
	switch {
	case current.Site == "":
		return nil, errors.New("format xml needs a site: set it in the integration")
	case current.User == "":
		return nil, errors.New("format xml needs the user, whom no token response has named")
	}
	content, err := xml.MarshalIndent(securityContext{
		SiteName: current.Site, WebExID: current.User, AccessToken: token,
	}, "", "  ")
	return append(content, '\n'), err
}
