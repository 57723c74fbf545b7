// Command filter_services is what filters and loggers of proxenos ask and tell in tests: an
// authorization service, an external processor and an access log service, on grpc-go. It listens on
// the address of its argument; without one, on a port of the kernel's choice.
//
// What the first two answer stands in the request that they are asked about, in its fields x-check and
// x-process (see authorization.go and processor.go), so the program has no state that tests could leave
// behind. What happens is printed, a line each: "listening on ADDRESS", and a word and what belongs
// to it: "check", "process" and "log" with the message as JSON, "called PATH FIELDS" for each call's
// metadata, "gone" when the caller of a held call has left, "closed" when a processor's stream ended in
// order, "lost REASON" when it did not.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	accesslog "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	process "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// One line at a time, whichever goroutine it comes from.
var output sync.Mutex

func say(words ...string) {
	output.Lock()
	defer output.Unlock()
	fmt.Println(strings.ReplaceAll(strings.Join(words, " "), "\n", "; "))
}

func sayMessage(word string, message proto.Message) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		say("error", err.Error())
		return
	}
	say(word, string(text))
}

func sayCall(stream interface{ Method() string }, fields metadata.MD) {
	text, _ := json.Marshal(fields)
	say("called", stream.Method(), string(text))
}

// logs takes what access loggers send.
type logs struct {
	accesslog.UnimplementedAccessLogServiceServer
}

func (logs) StreamAccessLogs(stream accesslog.AccessLogService_StreamAccessLogsServer) error {
	fields, _ := metadata.FromIncomingContext(stream.Context())
	sayCall(grpc.ServerTransportStreamFromContext(stream.Context()), fields)
	for {
		message, err := stream.Recv()
		if err != nil {
			return err
		}
		sayMessage("log", message)
	}
}

func main() {
	address := "127.0.0.1:0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	listening, err := net.Listen("tcp", address)
	if err != nil {
		say("error", err.Error())
		os.Exit(1)
	}
	server := grpc.NewServer()
	auth.RegisterAuthorizationServer(server, authorization{})
	process.RegisterExternalProcessorServer(server, processor{})
	accesslog.RegisterAccessLogServiceServer(server, logs{})
	say("listening on", listening.Addr().String())
	if err := server.Serve(listening); err != nil {
		say("error", err.Error())
		os.Exit(1)
	}
}
