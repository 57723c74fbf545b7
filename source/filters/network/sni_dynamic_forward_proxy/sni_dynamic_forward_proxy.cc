// Whom a connection is for.
#include "source/filters/network/sni_dynamic_forward_proxy/sni_dynamic_forward_proxy.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/filter/named_destination.h"
#include "source/upstream/dynamic_name.h"

namespace proxenos::filters::sni_dynamic_forward_proxy {
namespace {

// What other filters may say; the names are Envoy's.
constexpr absl::string_view kDynamicHost = "envoy.upstream.dynamic_host";
constexpr absl::string_view kDynamicPort = "envoy.upstream.dynamic_port";

// What a filter before has said; null: nothing.
const std::string* Said(const filter::ConnectionInfo& info, absl::string_view key) {
  return info.notes == nullptr ? nullptr : info.notes->state.Find(key);
}

class Filter final : public filter::NetworkFilter {
 public:
  explicit Filter(const Settings& settings) : settings_(settings) {}

  Verdict OnConnection(filter::NetworkConnection& connection) override {
    const std::string* said = Said(connection.info, kDynamicHost);
    const absl::string_view host =
        said == nullptr ? connection.server_name : absl::string_view(*said);
    const bool ipv6 = absl::StrContains(host, ':');
    const auto name = upstream::ParseDynamicName(ipv6 ? absl::StrCat("[", host, "]") : host,
                                                 PortOf(connection.info));
    // Without a name the TCP proxy finds no host.
    if (!name.has_value()) return {};
    auto destination = std::make_unique<filter::NamedDestination>();
    destination->authority = name->Key();
    destination->cache = settings_.cache;
    destination->saves_address = settings_.save_upstream_address;
    connection.info.parts.emplace_back(&filter::NamedDestination::kKeeper, std::move(destination));
    return {};
  }

 private:
  uint16_t PortOf(const filter::ConnectionInfo& info) const {
    const std::string* said = Said(info, kDynamicPort);
    uint32_t port = 0;
    const bool good =
        said != nullptr && absl::SimpleAtoi(*said, &port) && port != 0 && port <= UINT16_MAX;
    return good ? static_cast<uint16_t>(port) : settings_.port;
  }

  const Settings& settings_;  // Of the configuration, which outlives this.
};

}  // namespace

std::unique_ptr<filter::NetworkFilter> SniDynamicForwardProxy::Create(stats::Registry&) const {
  return std::make_unique<Filter>(settings_);
}

}  // namespace proxenos::filters::sni_dynamic_forward_proxy
