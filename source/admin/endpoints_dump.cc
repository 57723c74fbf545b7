// Hosts back to ClusterLoadAssignment.
#include "source/admin/endpoints_dump.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/admin/host_proto.h"
#include "source/admin/version_proto.h"

namespace proxenos::admin {
namespace {

using envoy::config::endpoint::v3::ClusterLoadAssignment;

constexpr char kAssignment[] = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

// What discovery sent of an EDS cluster, copied: the views end with the walk.
struct Sent {
  std::optional<std::string> version;
  base::WallTime last_updated = 0;
  std::optional<envoy::admin::v3::EndpointsConfigDump::DynamicEndpointConfig> refused;
};

std::map<std::string, Sent> SentAssignments(AdminSource& source) {
  std::map<std::string, Sent> all;
  source.for_each_config(ConfigKind::kEndpoint, [&all](const ConfigView& view) {
    Sent& sent = all[std::string(view.name)];
    if (view.active) {
      sent.version = std::string(view.active->version);
      sent.last_updated = view.active->last_updated;
    }
    if (view.refused) RefusalToProto(*view.refused, kAssignment, sent.refused.emplace());
  });
  return all;
}

void FillEndpoint(const upstream::HostEntry& entry,
                  envoy::config::endpoint::v3::LbEndpoint& proto) {
  AddressToProto(entry.host->address(), *proto.mutable_endpoint()->mutable_address());
  proto.mutable_endpoint()->set_hostname(entry.host->hostname());
  constexpr uint32_t kFailed = upstream::kFailedActiveCheck | upstream::kFailedOutlierCheck;
  const bool failed = (entry.host->health_bits() & kFailed) != 0;
  proto.set_health_status(failed ? envoy::config::core::v3::UNHEALTHY
                                 : HealthToProto(entry.discovered));
  proto.mutable_load_balancing_weight()->set_value(entry.weight);
}

ClusterLoadAssignment Assignment(const ClusterView& cluster) {
  ClusterLoadAssignment proto;
  const upstream::HostSet& hosts = cluster.hosts;
  proto.set_cluster_name(cluster.config.eds != nullptr ? cluster.config.eds->service_name
                                                       : cluster.config.name);
  std::map<std::pair<uint8_t, uint16_t>, int> groups;  // (priority, locality) to its index
  for (upstream::HostIndex i = 0; i < hosts.size(); ++i) {
    const upstream::HostEntry& entry = hosts.entry(i);
    const auto [where, fresh] =
        groups.try_emplace({entry.priority, entry.locality}, proto.endpoints_size());
    if (fresh) {
      auto& group = *proto.add_endpoints();
      const upstream::Locality& locality = hosts.locality(i);
      group.mutable_locality()->set_region(locality.region);
      group.mutable_locality()->set_zone(locality.zone);
      group.mutable_locality()->set_sub_zone(locality.sub_zone);
      group.set_priority(entry.priority);
    }
    FillEndpoint(entry, *proto.mutable_endpoints(where->second)->add_lb_endpoints());
  }
  proto.mutable_policy()->mutable_overprovisioning_factor()->set_value(
      hosts.overprovisioning_percent());
  if (const upstream::DropOverload* drop = hosts.drop_overload().get()) {
    auto& dropped = *proto.mutable_policy()->add_drop_overloads();
    dropped.set_category(drop->category);
    dropped.mutable_drop_percentage()->set_numerator(drop->millionths);
    dropped.mutable_drop_percentage()->set_denominator(envoy::type::v3::FractionalPercent::MILLION);
  }
  return proto;
}

}  // namespace

std::unique_ptr<google::protobuf::Message> DumpEndpoints(AdminSource& source,
                                                         const ConfigDumpOptions& options) {
  auto dump = std::make_unique<envoy::admin::v3::EndpointsConfigDump>();
  std::map<std::string, Sent> sent = SentAssignments(source);
  source.for_each_cluster([&](const ClusterView& cluster) {
    const ClusterLoadAssignment assignment = Assignment(cluster);
    if (options.accepts != nullptr && !options.accepts(assignment.cluster_name())) return;
    if (!cluster.added_via_api && cluster.config.eds == nullptr) {
      dump->add_static_endpoint_configs()->mutable_endpoint_config()->PackFrom(assignment);
      return;
    }
    auto& entry = *dump->add_dynamic_endpoint_configs();
    entry.mutable_endpoint_config()->PackFrom(assignment);
    const auto found = sent.find(assignment.cluster_name());
    if (cluster.config.eds == nullptr || found == sent.end()) return;
    if (found->second.version) {
      entry.set_version_info(*found->second.version);
      TimeToProto(found->second.last_updated, *entry.mutable_last_updated());
    }
    // Once: what is left in the end belongs to no cluster in force.
    if (found->second.refused) entry.MergeFrom(*found->second.refused);
    found->second.refused.reset();
  });
  for (const auto& [name, each] : sent) {
    if (!each.refused || (options.accepts != nullptr && !options.accepts(name))) continue;
    *dump->add_dynamic_endpoint_configs() = *each.refused;
  }
  return dump;
}

}  // namespace proxenos::admin
