// Clusters with endpoints from any configuration, and a second version of the endpoints behind a
// line
// `---`: what is accepted must yield hosts that can be balanced over, whatever the weights, health
// and priorities; and hosts that are in both versions must stay the same ones.
#include <cstdint>
#include <memory>
#include <string>

#include "source/base/check.h"
#include "source/base/random.h"
#include "source/config/text.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/load_balancer.h"

namespace proxenos::upstream {
namespace {

std::shared_ptr<const ClusterConfig> Compile(const std::string& text) {
  envoy::config::cluster::v3::Cluster proto;
  config::Errors errors;
  config::ParseYaml(text, proto, errors);
  if (!errors.ok()) return nullptr;
  const auto config = CompileCluster(proto, errors, config::Path());
  CHECK((config != nullptr) == errors.ok());
  return config;
}

std::shared_ptr<const Assignment> CompileEndpoints(const std::string& text) {
  envoy::config::endpoint::v3::ClusterLoadAssignment proto;
  config::Errors errors;
  config::ParseYaml(text, proto, errors);
  if (!errors.ok()) return nullptr;
  const auto assignment = CompileAssignment(proto, errors, config::Path());
  CHECK((assignment != nullptr) == errors.ok());
  return assignment;
}

void CheckGroups(const HostSet& hosts) {
  uint32_t last = 0;
  for (const HostGroup& group : hosts.groups()) {
    // Those behind the last share are for requests that avoid the others.
    CHECK(group.cumulative_percent <= 100 && (group.cumulative_percent > last || last == 100));
    last = group.cumulative_percent;
    CHECK(group.schedule.size() > 0 && group.schedule.total() >= group.schedule.size());
  }
  CHECK(hosts.groups().empty() || last == 100);
}

void CheckPicks(const ClusterConfig& config, const HostSet& hosts) {
  base::Random random(1);
  const auto balancer =
      MakeLoadBalancer(config, [](HostIndex host) -> uint32_t { return host % 3; });
  balancer->Update(hosts, random);
  for (int i = 0; i < 100; ++i) {
    const Choice choice = balancer->Pick(random);
    CHECK(static_cast<bool>(choice) == !hosts.groups().empty());
    if (!choice) return;
    CHECK(choice.host < hosts.size());
    const HostEntry& entry = hosts.entry(choice.host);
    CHECK(choice.panic || entry.healthy() || entry.degraded());
  }
}

void CheckUpdate(const HostSet& before, const HostSetUpdate& update) {
  uint32_t kept = 0;
  for (const HostEntry& entry : update.hosts->entries()) {
    for (const HostEntry& old : before.entries()) {
      if (old.host->address() != entry.host->address() ||
          old.host->hostname() != entry.host->hostname() || !old.host->logical_name().empty() ||
          !entry.host->logical_name().empty()) {
        continue;
      }
      kept += old.host == entry.host;
    }
  }
  CHECK(update.added <= update.hosts->size());
  CHECK(update.removed <= before.size());
  CHECK(kept > 0 || update.hosts->size() == update.added || before.size() == 0);
}

void Run(const std::string& input) {
  const size_t split = input.find("\n---\n");
  const auto config = Compile(input.substr(0, split));
  if (config == nullptr) return;
  const auto empty = std::make_shared<const HostSet>();
  const Assignment none;
  const auto first =
      BuildHostSet(*config, config->assignment == nullptr ? none : *config->assignment, empty);
  CheckGroups(*first.hosts);
  CheckPicks(*config, *first.hosts);
  if (split == std::string::npos) return;
  const auto endpoints = CompileEndpoints(input.substr(split + 5));
  if (endpoints == nullptr) return;
  const auto second = BuildHostSet(*config, *endpoints, first.hosts);
  CheckGroups(*second.hosts);
  CheckPicks(*config, *second.hosts);
  CheckUpdate(*first.hosts, second);
  CHECK(!BuildHostSet(*config, *endpoints, second.hosts).rebuilt);
}

}  // namespace
}  // namespace proxenos::upstream

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::upstream::Run(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
