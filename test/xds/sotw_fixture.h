// SotwSubscriptionTest: a subscription of one type without any stream, and a receiver that refuses
// what it is told to.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "gtest/gtest.h"
#include "source/xds/sotw_subscription.h"
#include "source/xds/type_url.h"

namespace proxenos::xds {

using Cluster = envoy::config::cluster::v3::Cluster;

inline Cluster MakeCluster(const std::string& name, const std::string& alt_name = "") {
  Cluster cluster;
  cluster.set_name(name);
  cluster.set_alt_stat_name(alt_name);
  return cluster;
}

inline std::vector<Cluster> MakeClusters(int count) {
  std::vector<Cluster> clusters;
  for (int i = 0; i < count; ++i) clusters.push_back(MakeCluster("c" + std::to_string(i)));
  return clusters;
}

inline SotwSubscription::Response MakeResponse(const std::string& version, const std::string& nonce,
                                               const std::vector<Cluster>& clusters) {
  SotwSubscription::Response response;
  response.set_version_info(version);
  response.set_nonce(nonce);
  response.set_type_url(kClusterType);
  for (const Cluster& cluster : clusters) response.add_resources()->PackFrom(cluster);
  return response;
}

inline std::vector<std::string> NamesOf(const TypeUpdate& update) {
  std::vector<std::string> names;
  for (const Resource& resource : update.resources) names.push_back(resource.name);
  return names;
}

class SotwSubscriptionTest : public ::testing::Test {
 protected:
  SotwSubscription& Make(bool whole_set) {
    SubscriptionOptions options;
    options.type = *FindResourceType(kClusterType);
    options.type.whole_set = whole_set;
    options.initial_fetch_timeout = 10 * base::kSecond;
    subscription_.emplace(timers_, options, [this](const TypeUpdate& update) {
      updates_.push_back(update);
      return refuse_;
    });
    return *subscription_;
  }

  // These names and no others.
  void WantOnly(const std::set<std::string>& names) {
    NameChange change{{names.begin(), names.end()}, {}};
    for (const std::string& name : wanted_) {
      if (!names.contains(name)) change.removed.push_back(name);
    }
    wanted_ = names;
    subscription_->Want(change);
  }

  void NextTurn() { timers_.Advance(timers_.now() + base::kMillisecond); }
  void FinishInTurns() {
    for (int turn = 0; subscription_->busy() && turn < 1000; ++turn) NextTurn();
    EXPECT_FALSE(subscription_->busy());
  }

  std::set<std::string> wanted_;
  event::TimerWheel timers_{0};
  std::optional<SotwSubscription> subscription_;
  std::vector<TypeUpdate> updates_;
  std::vector<ResourceError> refuse_;
};

}  // namespace proxenos::xds
