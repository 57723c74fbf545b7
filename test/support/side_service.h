// What tests of calls of our own stand on: a service on the caller's own loop, so that every turn
// is the test's, behind a cluster; and for asynchronous filters the one harness that ends their
// streams in every phase of a call.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "test/support/filter_harness.h"
#include "test/support/http2_origin.h"

namespace proxenos::testing {

// A service in HTTP/2 (which gRPC and plain HTTP calls alike may speak). Make it in the `prepare`
// of a FilterHarness and give it to Keep, or beside a loop of the test's own.
class SideService final : public FilterHarness::Attachment {
 public:
  SideService(event::EventLoop& loop, upstream::ClusterMap& clusters, const std::string& cluster)
      : origin(loop), cluster_(cluster), clusters_(clusters) {
    auto config = std::make_shared<upstream::ClusterConfig>();
    config->name = cluster;
    config->protocol = upstream::HttpProtocol::kHttp2;
    upstream::Assignment assignment;
    assignment.localities.emplace_back();
    assignment.localities[0].endpoints.emplace_back().address =
        *net::Address::FromIp("127.0.0.1", origin.port());
    auto hosts = upstream::BuildHostSet(*config, assignment, nullptr).hosts;
    clusters.Set(upstream::PublishedCluster{std::move(config), breakers_, std::move(hosts), {}});
  }

  // Nothing is left of any call: neither in stats nor in circuit breakers.
  void ExpectNothingLeft() {
    EXPECT_EQ(breakers_->of({}).requests.count(), 0u);
    EXPECT_EQ(clusters_.Find(cluster_)->stats().upstream_rq_active.value(), 0u);
  }

  Http2Origin origin;

 private:
  const std::string cluster_;
  upstream::ClusterMap& clusters_;
  const std::shared_ptr<const upstream::CircuitBreakers> breakers_ =
      std::make_shared<upstream::CircuitBreakers>();
};

// A cluster without hosts.
inline void AddCluster(upstream::ClusterMap& clusters, const std::string& name) {
  auto config = std::make_shared<upstream::ClusterConfig>();
  config->name = name;
  auto hosts = upstream::BuildHostSet(*config, upstream::Assignment(), nullptr).hosts;
  clusters.Set(upstream::PublishedCluster{std::move(config),
                                          std::make_shared<const upstream::CircuitBreakers>(),
                                          std::move(hosts),
                                          {}});
}

// An asynchronous filter's stream, and how to see that its call is over.
struct AsyncStream {
  std::unique_ptr<FilterHarness> stream;
  SideService* service;  // Kept by `stream`.
};

// Whether a call belongs to its stream, or to the worker, for whom it goes on.
enum class CallsOutlive { kNothing, kTheStream };

// Begins streams again and again and lets each live one turn longer than the last, until `over`
// holds; ends it then by destruction, by another filter's answer, and by a broken connection. What
// is left of the call afterwards would be found by the counts here, or by ASan.
inline void EndInEveryPhase(absl::FunctionRef<AsyncStream()> begin,
                            absl::FunctionRef<bool(FilterHarness&)> over,
                            CallsOutlive outlive = CallsOutlive::kNothing) {
  enum class End { kDestroyed, kAnswered, kAborted };
  constexpr int kPatience = 500;
  for (const End end : {End::kDestroyed, End::kAnswered, End::kAborted}) {
    bool was_over = false;
    for (int turns = 0; turns < kPatience && !was_over; ++turns) {
      AsyncStream subject = begin();
      for (int i = 0; i < turns; ++i) subject.stream->TurnIn(base::kMillisecond);
      was_over = over(*subject.stream);
      if (end == End::kAnswered) {
        subject.stream->Reply(503, "", "test", 0);
      } else if (end == End::kAborted) {
        subject.stream->Abort("test", 0);
      }
      for (int i = 0; i < 3; ++i) subject.stream->TurnIn(0);
      subject.stream->EndStream();
      if (outlive == CallsOutlive::kNothing) subject.service->ExpectNothingLeft();
      for (int i = 0; i < 3; ++i) subject.stream->TurnIn(0);
    }
    EXPECT_TRUE(was_over) << "the call never ended";
  }
}

}  // namespace proxenos::testing
