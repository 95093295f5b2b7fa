package emulator

import (
	"cmp"
	"net/http"
	"strings"
)

// ApproveDevice does what a person does on the verification page: it accepts
// the flow with this user code. False: no flow waits under it.
func (e *Emulator) ApproveDevice(userCode, email string) bool {
	return e.devices.settleDevice(userCode, decision{accepted: true, email: email})
}

// DenyDevice declines the flow with this user code.
func (e *Emulator) DenyDevice(userCode string) bool {
	return e.devices.settleDevice(userCode, decision{})
}

func (f *devices) settleDevice(userCode string, by decision) bool {
	f.issuer.mu.Lock()
	defer f.issuer.mu.Unlock()
	d := f.waitingDevice(userCode)
	if d == nil {
		return false
	}
	d.state = deviceDenied
	if by.accepted {
		d.state, d.email = deviceApproved, cmp.Or(by.email, defaultPerson)
	}
	if len(by.scopes) > 0 {
		d.scopes = by.scopes
	}
	return true
}

// waitingDevice finds a flow by what a person has: the digits, or the code in
// the complete link. The lock of the issuer is held.
func (f *devices) waitingDevice(userCode string) *deviceRequest {
	now := f.issuer.now()
	for _, d := range f.waiting {
		if (d.user == userCode || d.link == userCode) && d.state == devicePending && now < d.end {
			return d
		}
	}
	return nil
}

// serveVerify is the page for the person: enter the code, then consent.
func (f *devices) serveVerify(w http.ResponseWriter, r *http.Request) {
	userCode := strings.TrimSpace(r.FormValue("userCode"))
	if userCode == "" {
		f.pages.show(w, http.StatusOK, "verify.html", nil)
		return
	}
	f.issuer.mu.Lock()
	waiting := f.waitingDevice(userCode)
	var page consentPage
	if waiting != nil {
		page = consentPage{Client: waiting.client.Name, Scopes: waiting.scopes, Email: defaultPerson, UserCode: userCode}
	}
	f.issuer.mu.Unlock()
	if waiting == nil {
		f.pages.showFault(w, http.StatusNotFound, "This code is not known", "It may have been used, or have expired: a code works for five minutes.")
		return
	}
	if r.Method == http.MethodGet {
		f.pages.show(w, http.StatusOK, "consent.html", page)
		return
	}
	d, wrong := readDecision(r, page.Scopes)
	if wrong != "" {
		f.pages.showFault(w, http.StatusBadRequest, "The form is not complete", wrong)
		return
	}
	f.settleDevice(userCode, d)
	f.pages.show(w, http.StatusOK, "done.html", d.accepted)
}
