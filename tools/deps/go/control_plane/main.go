// Command control_plane is a control plane on go-control-plane's snapshot cache, for tests of
// proxenos and as an example. It serves ADS in both protocols on the address of its argument,
// which it prints; without one, on a port of the kernel's choice.
//
// Each line of its input is "VERSION FILE": the file holds a list of resources as JSON, each with
// its @type; they become the snapshot of every node. What clients say is printed, a line each:
// "ack TYPE VERSION", "nack TYPE REASON", "set VERSION", "error REASON". Of delta streams, which
// acknowledge without a version, the line is "ack TYPE delta".
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
)

// One line at a time, whichever goroutine it comes from.
var output sync.Mutex

func say(words ...string) {
	output.Lock()
	defer output.Unlock()
	fmt.Println(strings.ReplaceAll(strings.Join(words, " "), "\n", "; "))
}

func shortType(url string) string { return url[strings.LastIndex(url, ".")+1:] }

// callbacks tell what the clients answer.
func callbacks() server.CallbackFuncs {
	return server.CallbackFuncs{
		StreamRequestFunc: func(_ int64, request *discovery.DiscoveryRequest) error {
			if request.ErrorDetail != nil {
				say("nack", shortType(request.TypeUrl), request.ErrorDetail.Message)
			} else if request.ResponseNonce != "" {
				say("ack", shortType(request.TypeUrl), request.VersionInfo)
			}
			return nil
		},
		StreamDeltaRequestFunc: func(_ int64, request *discovery.DeltaDiscoveryRequest) error {
			if request.ErrorDetail != nil {
				say("nack", shortType(request.TypeUrl), request.ErrorDetail.Message)
			} else if request.ResponseNonce != "" {
				say("ack", shortType(request.TypeUrl), "delta")
			}
			return nil
		},
	}
}

// load makes a snapshot of the resources of a file.
func load(version, path string) (*cache.Snapshot, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, err
	}
	resources := map[resource.Type][]types.Resource{}
	for _, entry := range entries {
		var any anypb.Any
		if err := protojson.Unmarshal(entry, &any); err != nil {
			return nil, err
		}
		message, err := any.UnmarshalNew()
		if err != nil {
			return nil, err
		}
		switch message.(type) {
		case *cluster.Cluster, *endpoint.ClusterLoadAssignment, *listener.Listener, *route.RouteConfiguration:
			resources[any.TypeUrl] = append(resources[any.TypeUrl], message)
		default:
			return nil, fmt.Errorf("%s is not served here", any.TypeUrl)
		}
	}
	return cache.NewSnapshot(version, resources)
}

// everyone is one node to the cache.
type everyone struct{}

func (everyone) ID(*core.Node) string { return "everyone" }

func main() {
	snapshots := cache.NewSnapshotCache(true, everyone{}, nil)
	address := "127.0.0.1:0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	listening, err := net.Listen("tcp", address)
	if err != nil {
		say("error", err.Error())
		os.Exit(1)
	}
	grpcServer := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(
		grpcServer, server.NewServer(context.Background(), snapshots, callbacks()))
	go grpcServer.Serve(listening)
	say("listening on", listening.Addr().String())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		version, path, _ := strings.Cut(lines.Text(), " ")
		snapshot, err := load(version, path)
		if err == nil {
			err = snapshots.SetSnapshot(context.Background(), "everyone", snapshot)
		}
		if err != nil {
			say("error", err.Error())
		} else {
			say("set", version)
		}
	}
	grpcServer.Stop()
}
