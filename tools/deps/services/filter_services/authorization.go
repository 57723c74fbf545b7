package main

import (
	"context"
	"encoding/json"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

// authorization answers as the request's field x-check says: JSON of a CheckResponse; "hold" waits until
// the caller leaves; a number is the status that the call fails with. Without the field all may pass.
type authorization struct{}

func (authorization) Check(ctx context.Context, request *auth.CheckRequest) (*auth.CheckResponse, error) {
	fields, _ := metadata.FromIncomingContext(ctx)
	sayCall(grpc.ServerTransportStreamFromContext(ctx), fields)
	sayMessage("check", request)
	script := request.GetAttributes().GetRequest().GetHttp().GetHeaders()["x-check"]
	if script == "" {
		return &auth.CheckResponse{}, nil
	}
	if script == "hold" {
		<-ctx.Done()
		say("gone")
		return nil, ctx.Err()
	}
	var code uint32
	if json.Unmarshal([]byte(script), &code) == nil {
		return nil, status.Error(codes.Code(code), "as asked")
	}
	answer := &auth.CheckResponse{}
	if err := protojson.Unmarshal([]byte(script), answer); err != nil {
		say("error", err.Error())
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	return answer, nil
}
