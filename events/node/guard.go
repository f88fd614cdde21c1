package node

import (
	"context"
	"log/slog"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// guard turns a panic of one call into an error of that call. The node lives in
// the process of the hub, which must not end because of one request.
type guard struct{ log *slog.Logger }

func (g guard) caught(method string, err *error) {
	p := recover()
	if p == nil {
		return
	}
	g.log.Error("a call panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
	*err = status.Error(codes.Internal, "the node met an internal error")
}

func (g guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
	defer g.caught(info.FullMethod, &err)
	return next(ctx, req)
}

func (g guard) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer g.caught(info.FullMethod, &err)
	return next(srv, ss)
}
