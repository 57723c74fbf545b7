// Where connections come from, and the order of addresses.
#include "source/upstream/connect_rules_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/upstream/address_config.h"
#include "source/upstream/socket_option_config.h"

namespace proxenos::upstream {
namespace {

using envoy::config::cluster::v3::UpstreamConnectionOptions;
using envoy::config::core::v3::BindConfig;
using envoy::config::core::v3::SocketAddress;

void AddSource(const SocketAddress& proto, config::Errors& errors, const config::Path& path,
               ConnectRules& to) {
  const auto address = CompileIpAddress(proto, errors, path);
  if (!address.has_value()) return;
  for (const ConnectSource& known : to.sources) {
    if (known.address.family() != address->family()) continue;
    errors.Add(path, "is of the same IP version as another source: there is one for each");
    return;
  }
  to.sources.push_back({*address, {}});
}

// The extra source, in either of its two spellings; of both, there is at most one in all.
void AddExtraSources(const BindConfig& proto, config::Errors& errors, const config::Path& path,
                     ConnectRules& to) {
  const config::Path extra = path.Field("extra_source_addresses");
  const int count = proto.extra_source_addresses_size() + proto.additional_source_addresses_size();
  if (count > 1) {
    errors.Add(
        proto.extra_source_addresses_size() > 0 ? extra : path.Field("additional_source_addresses"),
        "more than one extra source: there is one for each IP version");
    return;
  }
  for (const auto& each : proto.extra_source_addresses()) {
    const size_t before = to.sources.size();
    AddSource(each.address(), errors, extra.Index(0).Field("address"), to);
    if (to.sources.size() == before || !each.has_socket_options()) continue;
    to.sources.back().options = CompileSocketOptions(each.socket_options().socket_options());
  }
  for (const SocketAddress& each : proto.additional_source_addresses()) {
    AddSource(each, errors, path.Field("additional_source_addresses").Index(0), to);
  }
}

void SetBinding(const BindConfig& proto, config::Errors& errors, const config::Path& path,
                base::Sparse<ConnectRules>& to) {
  if (proto.has_freebind()) to.Mutable().freebind = proto.freebind().value();
  if (!proto.socket_options().empty()) {
    to.Mutable().options = CompileSocketOptions(proto.socket_options());
  }
  if (proto.has_source_address()) {
    AddSource(proto.source_address(), errors, path.Field("source_address"), to.Mutable());
    AddExtraSources(proto, errors, path, to.Mutable());
  } else if (!proto.extra_source_addresses().empty() ||
             !proto.additional_source_addresses().empty()) {
    errors.Add(path.Field("source_address"), "is required where there are extra source addresses");
  }
}

}  // namespace

void CompileConnectRules(const envoy::config::cluster::v3::Cluster& proto, config::Errors& errors,
                         const config::Path& path, base::Sparse<ConnectRules>& to) {
  if (proto.has_upstream_bind_config()) {
    SetBinding(proto.upstream_bind_config(), errors, path.Field("upstream_bind_config"), to);
  }
  if (!proto.upstream_connection_options().has_happy_eyeballs_config()) return;
  const auto& race = proto.upstream_connection_options().happy_eyeballs_config();
  ConnectRules& rules = to.Mutable();
  if (race.has_first_address_family_count()) {
    rules.first_count = std::max(race.first_address_family_count().value(), 1u);
  }
  switch (race.first_address_family_version()) {
    case UpstreamConnectionOptions::V4:
      rules.first_family = net::Address::Family::kIpv4;
      break;
    case UpstreamConnectionOptions::V6:
      rules.first_family = net::Address::Family::kIpv6;
      break;
    default:  // As in Envoy the others say nothing: that of the host's own address is first.
      break;
  }
}

}  // namespace proxenos::upstream
