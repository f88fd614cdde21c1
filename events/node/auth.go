package node

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// auth lets one user in, by basic authentication (RFC 7617). The client sends
// no credentials when it asks for features or gossip, so those stay open.
type auth struct{ want [sha256.Size]byte }

func newAuth(user, password string) *auth {
	token := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	return &auth{want: sha256.Sum256([]byte(token))}
}

var errUnauthenticated = status.Error(codes.Unauthenticated, "Unauthenticated")

func (a *auth) check(ctx context.Context, method string) error {
	if !strings.HasPrefix(method, "/"+streams.Streams_ServiceDesc.ServiceName+"/") {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, value := range md.Get("authorization") {
		scheme, token, _ := strings.Cut(value, " ")
		have := sha256.Sum256([]byte(token))
		if strings.EqualFold(scheme, "basic") && subtle.ConstantTimeCompare(have[:], a.want[:]) == 1 {
			return nil
		}
	}
	return errUnauthenticated
}

func (a *auth) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := a.check(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (a *auth) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := a.check(ss.Context(), info.FullMethod); err != nil {
		if info.IsClientStream { // a client that is still sending sees only an end of file
			drain(ss, maxDrainedStranger)
		}
		return err
	}
	return next(srv, ss)
}
