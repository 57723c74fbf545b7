// DiscoveryServer: a small xDS control plane. Holds one state of the world and serves it over ADS
// and over the separate services, in both protocols; pushes what changes.
//
// State of the world: a stream is answered for a type when it first asks, when it asks for other
// names, and when the type's version changes; an ACK or NACK of the newest response gets no answer.
// Requests that carry an older nonce are stale: a newer response is on its way to them, so they are
// dropped.
//
// Delta: a stream is sent what it lacks of what it wants, and told what went or is not there. The
// version of a resource is a fingerprint of its bytes, so it means the same after a restart.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "google/protobuf/any.pb.h"
#include "tools/xds_server/stream_server.h"

namespace proxenos::xds_server {

// All resources of one type, in the order in which they are sent.
struct TypeState {
  std::string version;
  std::vector<google::protobuf::Any> resources;

  friend bool operator==(const TypeState& a, const TypeState& b);
};

// By type URL.
using WorldState = std::map<std::string, TypeState>;

// Thread: any.
class DiscoveryServer {
 public:
  using Request = envoy::service::discovery::v3::DiscoveryRequest;
  using Response = envoy::service::discovery::v3::DiscoveryResponse;
  using DeltaRequest = envoy::service::discovery::v3::DeltaDiscoveryRequest;
  using DeltaResponse = envoy::service::discovery::v3::DeltaDiscoveryResponse;

  // Called for each request and response as it happens, on gRPC's threads, under the server's lock:
  // must not call the server.
  struct Observer {
    absl::AnyInvocable<void(StreamId, const Request&)> on_request = [](StreamId, const Request&) {};
    absl::AnyInvocable<void(StreamId, const Response&)> on_response = [](StreamId,
                                                                         const Response&) {};
    absl::AnyInvocable<void(size_t open)> on_streams = [](size_t) {};
    absl::AnyInvocable<void(StreamId, const DeltaRequest&)> on_delta_request =
        [](StreamId, const DeltaRequest&) {};
    absl::AnyInvocable<void(StreamId, const DeltaResponse&)> on_delta_response =
        [](StreamId, const DeltaResponse&) {};
  };

  explicit DiscoveryServer(Observer observer);

  absl::Status Start(const std::string& address) { return server_.Start(address); }
  void Stop() { server_.Stop(); }
  const std::string& address() const { return server_.address(); }

  // Replaces the types that `world` names and pushes those whose version is new, dependencies
  // first: clusters, endpoints, listeners, routes, then all else.
  void Update(const WorldState& world);

  // Underneath, for tests of what no control plane should do.
  StreamServer& transport() { return server_; }

 private:
  // What one stream knows of one type.
  struct Interest {
    std::set<std::string> names;
    bool all = false;
    std::string nonce;         // Of the newest response; empty before the first.
    std::string sent_version;  // Of the newest response.
  };
  // The same of a delta stream.
  struct DeltaInterest {
    std::set<std::string> names;
    bool all = false;
    std::map<std::string, std::string> held;  // What the peer has: versions by name.
  };
  struct Peer {
    std::string only_type;  // Of a separate service; empty for ADS.
    bool delta = false;
    std::map<std::string, Interest> interests;
    std::map<std::string, DeltaInterest> delta_interests;
  };

  bool OnOpen(StreamId id, absl::string_view method);
  void OnMessage(StreamId id, const std::string& message);
  void OnClosed(StreamId id);
  // Parses, tells the observer, and fills in the type of a separate service. False: the stream was
  // ended.
  template <typename Message>
  bool Accept(StreamId id, const Peer& peer, const std::string& bytes, Message& request);
  // REQUIRES (all below): mutex_ is held.
  void OnRequest(StreamId id, Peer& peer, const Request& request);
  void OnDeltaRequest(StreamId id, Peer& peer, const DeltaRequest& request);
  void Respond(StreamId id, const std::string& type_url, Interest& interest);
  // What the peer lacks, with these in any case; nothing is sent where there is nothing to say.
  void RespondDelta(StreamId id, const std::string& type_url, DeltaInterest& interest,
                    const std::set<std::string>& asked, bool first);
  std::string NextNonce();

  std::mutex mutex_;
  Observer observer_;  // Guarded by mutex_, as is all below it but server_.
  WorldState world_;
  std::map<StreamId, Peer> peers_;
  uint64_t next_nonce_ = 1;

  StreamServer server_;  // Last: its destructor waits for callbacks that use the rest.
};

// The name of a resource of any discoverable type; empty where it has none.
std::string NameOf(const google::protobuf::Any& resource);

}  // namespace proxenos::xds_server
