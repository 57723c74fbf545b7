package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	process "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

// processor answers as the field x-process of the first head that it is shown says. It is JSON: by the
// kind of a message ("request_headers", "response_body", …) what is said to each such message, which
// is a list of ProcessingResponses and of these words:
//
//	"hold"    waits until the caller leaves
//	"end"     ends the stream in order
//	"fail"    ends it with an error
//	"upper"   the body is replaced by itself in upper case
//	"stream"  the same, as a piece of a full-duplex body
//	"echo"    a piece of a full-duplex body is sent back as it is
//	"gather"  nothing until the body is whole; then an answer to the head, which adds x-size, and the
//	          body in upper case in pieces of a full-duplex body
//
// What the script does not name may pass as it is; which a piece of a full-duplex body may only if it is
// sent back.
type processor struct{}

// exchange is one stream's.
type exchange struct {
	stream process.ExternalProcessor_ProcessServer
	script map[string][]json.RawMessage
	body   []byte // Gathered so far.
}

// part is a message taken apart.
type part struct {
	kind    string
	headers *process.HttpHeaders
	body    *process.HttpBody
}

func partOf(request *process.ProcessingRequest) part {
	switch of := request.Request.(type) {
	case *process.ProcessingRequest_RequestHeaders:
		return part{kind: "request_headers", headers: of.RequestHeaders}
	case *process.ProcessingRequest_ResponseHeaders:
		return part{kind: "response_headers", headers: of.ResponseHeaders}
	case *process.ProcessingRequest_RequestBody:
		return part{kind: "request_body", body: of.RequestBody}
	case *process.ProcessingRequest_ResponseBody:
		return part{kind: "response_body", body: of.ResponseBody}
	case *process.ProcessingRequest_RequestTrailers:
		return part{kind: "request_trailers"}
	case *process.ProcessingRequest_ResponseTrailers:
		return part{kind: "response_trailers"}
	}
	return part{kind: "nothing"}
}

func (processor) Process(stream process.ExternalProcessor_ProcessServer) error {
	fields, _ := metadata.FromIncomingContext(stream.Context())
	sayCall(grpc.ServerTransportStreamFromContext(stream.Context()), fields)
	exchange := &exchange{stream: stream}
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			say("closed")
			return nil
		}
		if err != nil {
			say("lost", err.Error())
			return err
		}
		sayMessage("process", request)
		over, err := exchange.answer(partOf(request))
		if err != nil {
			say("lost", err.Error())
		}
		if over || err != nil {
			return err
		}
	}
}

// answer tells whether the stream is to end.
func (x *exchange) answer(part part) (bool, error) {
	if x.script == nil && part.headers != nil {
		if err := x.read(part.headers); err != nil {
			return true, status.Error(codes.InvalidArgument, err.Error())
		}
	}
	steps, said := x.script[part.kind]
	if !said {
		return false, x.stream.Send(response(part.kind, &process.CommonResponse{}))
	}
	for _, step := range steps {
		over, err := x.take(step, part)
		if over || err != nil {
			return over, err
		}
	}
	return false, nil
}

func (x *exchange) read(headers *process.HttpHeaders) error {
	x.script = map[string][]json.RawMessage{}
	for _, header := range headers.GetHeaders().GetHeaders() {
		if header.Key == "x-process" {
			return json.Unmarshal(append(header.RawValue, header.Value...), &x.script)
		}
	}
	return nil
}

func (x *exchange) take(step json.RawMessage, part part) (bool, error) {
	var word string
	if json.Unmarshal(step, &word) != nil {
		answer := &process.ProcessingResponse{}
		if err := protojson.Unmarshal(step, answer); err != nil {
			return true, status.Error(codes.InvalidArgument, err.Error())
		}
		return false, x.stream.Send(answer)
	}
	switch word {
	case "hold":
		<-x.stream.Context().Done()
		say("gone")
		return true, nil
	case "end":
		return true, nil
	case "upper":
		upper := bytes.ToUpper(part.body.GetBody())
		return false, x.stream.Send(response(part.kind, &process.CommonResponse{
			BodyMutation: &process.BodyMutation{Mutation: &process.BodyMutation_Body{Body: upper}}}))
	case "stream":
		return false, x.piece(part.kind, bytes.ToUpper(part.body.GetBody()), part.body.GetEndOfStream())
	case "echo":
		return false, x.piece(part.kind, part.body.GetBody(), part.body.GetEndOfStream())
	case "gather":
		return false, x.gather(part)
	}
	return true, status.Error(codes.Internal, "asked to "+word)
}

// piece sends on what shall stand for a piece of a full-duplex body.
func (x *exchange) piece(kind string, body []byte, end bool) error {
	return x.stream.Send(response(kind, &process.CommonResponse{
		BodyMutation: &process.BodyMutation{Mutation: &process.BodyMutation_StreamedResponse{
			StreamedResponse: &process.StreamedBodyResponse{Body: body, EndOfStream: end}}}}))
}

func (x *exchange) gather(part part) error {
	const size = 16384
	x.body = append(x.body, bytes.ToUpper(part.body.GetBody())...)
	if !part.body.GetEndOfStream() {
		return nil
	}
	head := map[string]string{"request_body": "request_headers", "response_body": "response_headers"}
	err := x.stream.Send(response(head[part.kind], &process.CommonResponse{
		HeaderMutation: &process.HeaderMutation{SetHeaders: []*core.HeaderValueOption{{
			Header: &core.HeaderValue{Key: "x-size", RawValue: []byte(strconv.Itoa(len(x.body)))}}}}}))
	for err == nil && len(x.body) > size {
		err = x.piece(part.kind, x.body[:size], false)
		x.body = x.body[size:]
	}
	if err == nil {
		err = x.piece(part.kind, x.body, true)
	}
	x.body = nil
	return err
}

// response puts what is to become of a part into the answer to it.
func response(kind string, common *process.CommonResponse) *process.ProcessingResponse {
	headers := &process.HeadersResponse{Response: common}
	body := &process.BodyResponse{Response: common}
	trailers := &process.TrailersResponse{HeaderMutation: common.HeaderMutation}
	switch kind {
	case "request_headers":
		return &process.ProcessingResponse{Response: &process.ProcessingResponse_RequestHeaders{RequestHeaders: headers}}
	case "response_headers":
		return &process.ProcessingResponse{Response: &process.ProcessingResponse_ResponseHeaders{ResponseHeaders: headers}}
	case "request_body":
		return &process.ProcessingResponse{Response: &process.ProcessingResponse_RequestBody{RequestBody: body}}
	case "response_body":
		return &process.ProcessingResponse{Response: &process.ProcessingResponse_ResponseBody{ResponseBody: body}}
	case "request_trailers":
		return &process.ProcessingResponse{Response: &process.ProcessingResponse_RequestTrailers{RequestTrailers: trailers}}
	}
	return &process.ProcessingResponse{Response: &process.ProcessingResponse_ResponseTrailers{ResponseTrailers: trailers}}
}
