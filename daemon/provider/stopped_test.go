package provider_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"webex-tokend/daemon/config"
	"webex-tokend/daemon/provider"
	"webex-tokend/store"
)

// askedFor names, in a child of the test below, what it asks and whom.
const askedFor = "WEBEX_TOKEND_TEST_STOPPED"

// An answer that arrived during a stop of 30 s or more was thrown away: the
// deadlines fired before the socket was read.
func TestAStopOfTheProcessLosesNoAnswerThatArrivedMeanwhile(t *testing.T) {
	if what := os.Getenv(askedFor); what != "" {
		kind, url, _ := strings.Cut(what, " ")
		askBriefly(kind, url)
		return
	}
	for _, kind := range []string{"refresh", "code", "device", "mint", "profile"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			arrived, answer := make(chan struct{}), make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				close(arrived)
				<-answer
				_, _ = io.WriteString(w, `{"access_token":"new","refresh_token":"rotated","expires_in":7200,"id":"p1"}`)
			}))
			defer server.Close()
			child := exec.Command(os.Args[0], "-test.run", "^"+strings.Split(t.Name(), "/")[0]+"$")
			child.Env = append(os.Environ(), askedFor+"="+kind+" "+server.URL)
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			defer child.Wait()
			defer child.Process.Kill()
			<-arrived
			if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			close(answer)
			time.Sleep(stopFor) // what is tested is that this is longer than the limit
			if err := child.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			said, _ := bufio.NewReader(out).ReadString('\n')
			if said != "answered\n" {
				t.Errorf("the child says %q", said)
			}
		})
	}
}

const (
	briefly = time.Second
	stopFor = 4 * briefly
)

// askBriefly asks with a limit of a second and prints how that ended.
func askBriefly(kind, url string) {
	in := &config.Integration{Name: "crm", Kind: config.Generic, ClientID: "id", AuthStyle: config.InBody,
		TokenURL: url, DeviceTokenURL: url, APIURL: url, ApplicationID: "app"}
	c := provider.New(provider.Config{Limits: provider.Limits{Total: briefly}})
	defer c.Close()
	ctx, secret := context.Background(), store.NewSecret("sent")
	var err error
	switch kind {
	case "refresh":
		_, err = c.Refresh(ctx, in, provider.Request{Token: secret})
	case "code":
		_, err = c.Exchange(ctx, in, provider.Code{Value: secret})
	case "device":
		_, err = c.PollDevice(ctx, in, secret)
	case "mint":
		_, err = c.Mint(ctx, in, secret)
	case "profile":
		_, err = c.Me(ctx, in, secret)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("answered")
}
