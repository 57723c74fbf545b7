// Courier: brings messages to one service that collects them (spans, log entries), each as a gRPC
// call or an HTTP POST of its own. What the service answers matters for stats only.
//
// Limits: kMaxCalls are under way at a time; whoever has more to send keeps it until one is over.
// Owner: who collects what is sent. Thread: the loop's. Its destructor cancels what is under way.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/rpc/call.h"
#include "source/rpc/http_call.h"
#include "source/rpc/service.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::rpc {

// Where to: one of the two, or nowhere. Thread: any (immutable).
struct CourierRoute {
  std::optional<GrpcService> grpc;
  std::optional<HttpService> http;
  // With http.
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.

  // Whether it goes anywhere.
  bool set() const { return grpc.has_value() || http.has_value(); }
  // REQUIRES: set().
  const std::string& cluster() const { return grpc.has_value() ? grpc->cluster : http->cluster; }
};

class Courier {
 public:
  static constexpr size_t kMaxCalls = 4;

  enum class Outcome : uint8_t {
    kTaken,    // OK, or 2xx.
    kRefused,  // Another answer.
    kFailed,   // None.
  };

  // `route` and `clusters` outlive it. `on_outcome` is called once for each message sent, never in
  // a call of the courier; it captures nothing but the owner.
  Courier(const CourierRoute& route, upstream::ClusterMap& clusters,
          absl::AnyInvocable<void(Outcome)> on_outcome)
      : route_(route), clusters_(clusters), on_outcome_(std::move(on_outcome)) {}
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;
  ~Courier();

  bool sending() const { return !calls_.empty(); }
  bool busy() const { return calls_.size() >= kMaxCalls; }
  // False: there is no such cluster (yet), nothing was sent. REQUIRES: !busy().
  bool Send(absl::string_view message);

 private:
  struct Delivery {
    std::optional<UnaryCall> grpc;
    std::unique_ptr<HttpCall> http;
  };
  using Place = std::list<Delivery>::iterator;

  void Post(base::Rc<upstream::WorkerCluster> cluster, absl::string_view message, Place place);
  void Finish(Place place, Outcome outcome);

  const CourierRoute& route_;
  upstream::ClusterMap& clusters_;
  absl::AnyInvocable<void(Outcome)> on_outcome_;
  std::list<Delivery> calls_;
};

}  // namespace proxenos::rpc
