package etcdkv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"webex-tokend/store"
)

// A Fault is what stands between this host and the cluster, in words for
// people. It is one of store.ErrAway, ErrFull and ErrDenied.
type Fault struct {
	Endpoints []string
	Kind      error
	Why       string
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%v: etcd at %s: %s", f.Kind, strings.Join(f.Endpoints, ", "), f.Why)
}

func (f *Fault) Unwrap() error { return f.Kind }

// explain sorts the errors of the client by what is to be done about them. Those
// that it does not know count as etcd being away: then nothing is believed.
func (c *Config) explain(err error) error {
	if err == nil || errors.Is(err, store.ErrClosed) {
		return err
	}
	if known, ok := errors.AsType[*Fault](err); ok {
		return known
	}
	fault := func(kind error, why string) error { return &Fault{c.Endpoints, kind, why} }
	text := err.Error()
	if s, ok := status.FromError(err); ok {
		text = s.Message()
	}
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	is := func(known error) bool { return errors.Is(err, known) || text == rpctypes.ErrorDesc(known) }
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case is(rpctypes.ErrNoSpace):
		return fault(store.ErrFull, "its space is used up: compact and defragment it, raise --quota-backend-bytes, then: etcdctl alarm disarm")
	case is(rpctypes.ErrPermissionDenied):
		return fault(store.ErrDenied, fmt.Sprintf("the user may not read and write below %q", c.Prefix))
	case is(rpctypes.ErrAuthFailed), is(rpctypes.ErrInvalidAuthToken), is(rpctypes.ErrUserEmpty), is(rpctypes.ErrUserNotFound), is(rpctypes.ErrAuthOldRevision):
		return fault(store.ErrDenied, "it does not accept the user or the password")
	case is(rpctypes.ErrAuthNotEnabled):
		return fault(store.ErrDenied, "a username is configured, but it asks for none")
	case certificate, unknown, has("certificate", "tls: ", "x509: "):
		return fault(store.ErrDenied, "TLS failed: "+text)
	case has("first record does not look like a TLS handshake"):
		return fault(store.ErrDenied, "it speaks no TLS: write http:// for one on this machine, or give it a certificate")
	case is(rpctypes.ErrNoLeader), is(rpctypes.ErrTimeout), is(rpctypes.ErrTimeoutDueToLeaderFail), is(rpctypes.ErrTimeoutDueToConnectionLost), is(rpctypes.ErrLeaderChanged), is(rpctypes.ErrNotCapable):
		return fault(store.ErrAway, "it has no leader: fewer than half of its members reach one another")
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
		return fault(store.ErrAway, "no answer within "+c.Timeout.String())
	}
	return fault(store.ErrAway, text)
}
