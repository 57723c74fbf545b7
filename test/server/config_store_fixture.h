// ConfigStoreTest: the store with compilers that read a few words.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "source/server/config_store.h"
#include "source/upstream/slow_start.h"
#include "source/xds/type_url.h"
#include "test/support/scripted_dns_resolver.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {

using Words = std::vector<std::string>;

inline Words WordsOf(const std::string& bytes) {
  return absl::StrSplit(bytes, ' ', absl::SkipEmpty());
}

// The serialized form of a message with nothing but a name, as AddStatic reads it, and words.
inline std::string Named(const std::string& name, const std::string& words) {
  return absl::StrCat("\x0a", std::string(1, static_cast<char>(name.size())), name, "\x12",
                      std::string(1, static_cast<char>(words.size())), words);
}

inline std::shared_ptr<const upstream::Assignment> Endpoints(
    const std::vector<std::string>& addresses) {
  auto assignment = std::make_shared<upstream::Assignment>();
  assignment->localities.emplace_back();
  for (const std::string& ip : addresses) {
    absl::string_view seconds = ip;  // "stale:SECONDS" among the addresses.
    if (absl::ConsumePrefix(&seconds, "stale:")) {
      int number = 0;
      EXPECT_TRUE(absl::SimpleAtoi(seconds, &number));
      assignment->stale_after = number * base::kSecond;
      continue;
    }
    upstream::Endpoint endpoint;
    endpoint.address = *net::Address::FromIp(ip, 80);
    assignment->localities[0].endpoints.push_back(endpoint);
  }
  return assignment;
}

// "NAME static IP...", "NAME eds SERVICE [slow]", "NAME dns", "NAME bad".
inline std::shared_ptr<const upstream::ClusterConfig> CompileCluster(const std::string& bytes,
                                                                     config::Errors& errors) {
  const Words words = WordsOf(bytes);
  auto config = std::make_shared<upstream::ClusterConfig>();
  config->name = words.at(0);
  if (words.at(1) == "static") {
    config->assignment = Endpoints({words.begin() + 2, words.end()});
  } else if (words.at(1) == "eds") {
    config->discovery = upstream::DiscoveryKind::kEds;
    upstream::EdsSettings eds;
    eds.service_name = words.at(2);
    if (words.size() > 3 && words[3] == "slow") {
      config->slow_start = std::make_shared<const upstream::SlowStart>(
          upstream::SlowStart{.window = 60 * base::kSecond});
    }
    config->eds = std::make_unique<upstream::EdsSettings>(eds);
  } else if (words.at(1) == "dns") {
    config->discovery = upstream::DiscoveryKind::kStrictDns;
    auto assignment = std::make_shared<upstream::Assignment>();
    assignment->localities.emplace_back();
    upstream::Endpoint endpoint;
    endpoint.dns_name = "name.test";
    endpoint.dns_port = 80;
    assignment->localities[0].endpoints.push_back(endpoint);
    config->assignment = assignment;
    config->dns = std::make_unique<upstream::DnsSettings>();
  } else {
    errors.Add(config::Path("type"), "is bad");
    return nullptr;
  }
  return config;
}

// Names of clusters; "bad" is refused, "checked" validates its clusters.
inline std::shared_ptr<const downstream::RouteSnapshot> CompileRoutes(const std::string& name,
                                                                      const Words& words,
                                                                      config::Errors& errors) {
  route::RouteTableParts parts;
  parts.name = name;
  for (const std::string& word : words) {
    if (word == "bad") {
      errors.Add(config::Path("virtual_hosts[0]"), "is bad");
      return nullptr;
    }
    if (word == "checked") {
      parts.validate_clusters = true;
    } else {
      parts.cluster_names.push_back(word);
    }
  }
  auto snapshot = std::make_shared<downstream::RouteSnapshot>();
  snapshot->table = route::RouteTable::Build(std::move(parts));
  return snapshot;
}

// "NAME PORT rds ROUTES [SOURCE]", "NAME PORT inline CLUSTER...", "NAME PORT bad".
inline CompiledListener CompileListener(const std::string& bytes, config::Errors& errors) {
  const Words words = WordsOf(bytes);
  CompiledListener compiled;
  auto config = std::make_shared<downstream::ListenerConfig>();
  config->name = words.at(0);
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(words.at(1), &port));
  config->addresses = {*net::Address::FromIp("127.0.0.1", static_cast<uint16_t>(port))};
  auto http = std::make_shared<downstream::HttpConfig>();
  RouteOrigin origin;
  if (words.at(2) == "rds") {
    http->rds_name = words.at(3);
    if (words.size() > 4) origin.source = words[4];
  } else if (words.at(2) == "inline") {
    http->routes = CompileRoutes("", {words.begin() + 3, words.end()}, errors);
    origin.written = std::make_shared<const std::string>("inline");
  } else {
    errors.Add(config::Path("filter_chains"), "is bad");
    return compiled;
  }
  auto chain = std::make_shared<downstream::ChainConfig>();
  chain->http = http;
  config->chains.push_back(std::move(chain));
  compiled.config = config;
  compiled.routes.push_back(origin);
  return compiled;
}

// A batch as words, in its order.
inline std::string Describe(const Batch& batch) {
  std::vector<std::string> words;
  for (const auto& cluster : batch.clusters) {
    words.push_back(absl::StrCat("cluster ", cluster->config->name, "/", cluster->hosts->size()));
  }
  for (const auto& cluster : batch.hosts) {
    words.push_back(absl::StrCat("hosts ", cluster->config->name, "/", cluster->hosts->size()));
  }
  for (const auto& [name, routes] : batch.routes) {
    words.push_back(
        absl::StrCat("routes ", name, "->", absl::StrJoin(routes->table->cluster_names(), ",")));
  }
  for (const auto& listener : batch.listeners) words.push_back("listener " + listener.config->name);
  for (const std::string& name : batch.removed_listeners) words.push_back("-listener " + name);
  for (const std::string& name : batch.removed_routes) words.push_back("-routes " + name);
  for (const std::string& name : batch.removed_clusters) words.push_back("-cluster " + name);
  for (const DemandAnswer& answer : batch.answers) {
    using Outcome = filter::OnDemand::Outcome;
    words.push_back(absl::StrCat(answer.demand.name, answer.outcome == Outcome::kFound ? " found"
                                                     : answer.outcome == Outcome::kMissing
                                                         ? " missing"
                                                         : " overload"));
  }
  return absl::StrJoin(words, "; ");
}

class ConfigStoreTest : public ::testing::Test {
 protected:
  ConfigStoreTest() {
    Compilers compilers;
    // Static resources come as protos, whose second field holds the words.
    compilers.cluster = [this](const std::string& bytes, Origin origin, config::Errors& errors) {
      ++compiled_;
      return CompileCluster(Unwrap(bytes, origin), errors);
    };
    compilers.assignment =
        [this](const std::string& bytes, Origin,
               config::Errors& errors) -> std::shared_ptr<const upstream::Assignment> {
      ++compiled_;
      if (bytes == "bad") {
        errors.Add(config::Path("endpoints[0]"), "is bad");
        return nullptr;
      }
      return Endpoints(WordsOf(bytes));
    };
    compilers.routes = [this](const std::string& bytes, Origin, config::Errors& errors) {
      ++compiled_;
      if (on_routes_ != nullptr) on_routes_();
      return CompileRoutes("r", WordsOf(bytes), errors);
    };
    compilers.listener = [this](const std::string& bytes, Origin origin, config::Errors& errors) {
      ++compiled_;
      if (on_listener_ != nullptr) on_listener_();
      return CompileListener(Unwrap(bytes, origin), errors);
    };
    ConfigStoreHooks hooks;
    hooks.publish = [this](Batch batch) { published_.push_back(Describe(batch)); };
    hooks.want = [this](const WantedNames::Change& change) {
      std::set<std::string>& names = wanted_[{change.type_url, change.source}];
      for (const std::string& name : change.names.removed) EXPECT_EQ(names.erase(name), 1u);
      for (const std::string& name : change.names.added) EXPECT_TRUE(names.insert(name).second);
    };
    hooks.make_dns = [this](std::shared_ptr<const upstream::ClusterConfig> config,
                            upstream::DnsCluster::OnAssignment on_assignment) {
      return std::make_unique<upstream::DnsCluster>(loop_, resolver_.Share(), std::move(config),
                                                    std::move(on_assignment));
    };
    hooks.admit_listener = [this](const downstream::ListenerConfig& next,
                                  const downstream::ListenerConfig*) {
      return next.addresses[0].port() == refused_port_ ? absl::UnavailableError("port is taken")
                                                       : absl::OkStatus();
    };
    hooks.find_demand_source = [](const std::string& source) -> absl::StatusOr<SourceKey> {
      if (source == "bad") return absl::InvalidArgumentError("is bad");
      return source;
    };
    hooks.drain_time = 60 * base::kSecond;
    store_.emplace(loop_, registry_, std::move(compilers), std::move(hooks));
  }

  static std::string Unwrap(const std::string& bytes, Origin origin) {
    if (origin == Origin::kDiscovery) return bytes;
    return bytes.substr(static_cast<size_t>(bytes[1]) + 4);
  }

  // One step; resources by name. Returns what was refused as "NAME: REASON".
  std::vector<std::string> Apply(const char* type, const std::map<std::string, std::string>& now,
                                 const std::vector<std::string>& removed = {},
                                 const SourceKey& source = "") {
    xds::TypeUpdate update;
    update.type_url = type;
    update.version = "v";
    update.removed = removed;
    for (const auto& [name, words] : now) {
      // Most compilers here take the name from the words.
      std::string bytes = type == xds::kClusterType || type == xds::kListenerType
                              ? absl::StrCat(name, " ", words)
                              : words;
      update.resources.push_back({name, "v", type, std::make_shared<const std::string>(bytes)});
    }
    std::vector<std::string> refused;
    for (const xds::ResourceError& error : store_->Apply(source, update)) {
      refused.push_back(absl::StrCat(error.name, ": ", error.reason));
    }
    return refused;
  }

  // The same endpoints were sent again.
  void Renew(const std::string& name) {
    xds::TypeUpdate update{xds::kEndpointType, "v", {}, {}};
    update.unchanged = 1;
    update.renewed = {name};
    EXPECT_TRUE(store_->Apply("", update).empty());
  }

  // Runs a turn and returns the batches published since the last call.
  std::vector<std::string> Turn() {
    loop_.RunOnce(0);
    return std::exchange(published_, {});
  }
  std::vector<std::string> After(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
    return Turn();
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  testing::ScriptedDnsResolver resolver_;
  std::vector<std::string> published_;
  std::map<std::pair<std::string, SourceKey>, std::set<std::string>> wanted_;
  uint16_t refused_port_ = 1;
  absl::AnyInvocable<void()> on_listener_;  // What its filters do when they are compiled.
  absl::AnyInvocable<void()> on_routes_;    // The same of the overrides of filters in routes.
  int compiled_ = 0;
  std::optional<ConfigStore> store_;
};

inline const Words kNoBatch;

}  // namespace proxenos::server
