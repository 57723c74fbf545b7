// The listener's fields, and the way to its connection manager.
#include "source/downstream/listener_config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/typed_config.h"
#include "source/downstream/http_config_config.h"
#include "source/upstream/address_config.h"

namespace proxenos::downstream {
namespace {

using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using ListenerProto = envoy::config::listener::v3::Listener;

void AddAddress(const envoy::config::core::v3::Address& proto, ListenerConfig& config,
                const config::Path& path, config::Errors& errors) {
  std::optional<net::Address> address;
  if (proto.has_pipe()) {
    address = upstream::CompilePipe(proto.pipe(), errors, path.Field("pipe"));
    config.listen.unix_mode = proto.pipe().mode();
  } else if (proto.has_socket_address()) {
    const auto& socket = proto.socket_address();
    address = upstream::CompileIpAddress(socket, errors, path.Field("socket_address"));
    if (socket.ipv4_compat()) config.listen.ipv4_compat = true;
  } else {
    errors.Add(path, "expected socket_address or pipe: no other kind of address is implemented");
  }
  if (address) config.addresses.push_back(*std::move(address));
}

void Addresses(const ListenerProto& proto, ListenerConfig& config, const config::Path& path,
               config::Errors& errors) {
  AddAddress(proto.address(), config, path.Field("address"), errors);
  for (int i = 0; i < proto.additional_addresses_size(); ++i) {
    AddAddress(proto.additional_addresses(i).address(), config,
               path.Field("additional_addresses").Index(static_cast<size_t>(i)).Field("address"),
               errors);
  }
  if (proto.has_tcp_backlog_size()) {
    config.listen.backlog = static_cast<int>(proto.tcp_backlog_size().value());
  }
}

// The one filter chain there is: chains by match come with TLS.
const envoy::config::listener::v3::FilterChain* OnlyChain(const ListenerProto& proto,
                                                          config::Path& path,
                                                          config::Errors& errors) {
  if (proto.filter_chains_size() == 1) {
    path = path.Field("filter_chains").Index(0);
    return &proto.filter_chains(0);
  }
  if (proto.filter_chains().empty() && proto.has_default_filter_chain()) {
    path = path.Field("default_filter_chain");
    return &proto.default_filter_chain();
  }
  errors.Add(path.Field("filter_chains"),
             absl::StrCat("value ", proto.filter_chains_size(),
                          " chains: expected exactly one; choosing among chains is not "
                          "implemented by proxenos"));
  return nullptr;
}

}  // namespace

std::shared_ptr<const RouteSnapshot> MakeRouteSnapshot(
    std::shared_ptr<const route::RouteTable> table, config::Errors& errors) {
  auto snapshot = std::make_unique<RouteSnapshot>();
  bool ok = true;
  for (const route::FormatString& format : table->formats()) {
    // An absent value leaves nothing: a header that would be empty is not added.
    auto compiled =
        access_log::Formatter::Compile(format.text, {.omit_empty_values = true, .extensions = {}});
    if (compiled.ok()) {
      snapshot->formats.push_back(*std::move(compiled));
    } else {
      ok = false;
      const absl::string_view message = compiled.status().message();
      errors.Add(config::Path(format.path), std::string(message));
    }
  }
  snapshot->table = std::move(table);
  if (!ok) return nullptr;
  return snapshot;
}

ListenerCompiler::Result ListenerCompiler::Compile(const ListenerProto& listener,
                                                   const config::Path& path,
                                                   config::Errors& errors) const {
  const size_t before = errors.count();
  auto config = std::make_unique<ListenerConfig>();
  Result result;
  config->name = listener.name();
  config->stat_prefix = listener.stat_prefix();
  config->bind_to_port = !listener.has_bind_to_port() || listener.bind_to_port().value();
  config->inbound =
      listener.traffic_direction() == envoy::config::core::v3::TrafficDirection::INBOUND;
  if (listener.has_per_connection_buffer_limit_bytes()) {
    // Zero is "no limit" there; as good as none is what 32 bits can say.
    const uint32_t limit = listener.per_connection_buffer_limit_bytes().value();
    config->connection_buffer_bytes = limit == 0 ? UINT32_MAX : limit;
  }
  if (listener.has_max_connections_to_accept_per_socket_event()) {
    config->max_accepts_per_turn = listener.max_connections_to_accept_per_socket_event().value();
  }
  Addresses(listener, *config, path, errors);
  config::Path at = path;
  const auto* chain = OnlyChain(listener, at, errors);
  if (chain != nullptr && chain->filters_size() != 1) {
    errors.Add(at.Field("filters"),
               "expected exactly one network filter, the HttpConnectionManager");
  } else if (chain != nullptr) {
    const config::Path filter = at.Field("filters").Index(0).Field("typed_config");
    HcmProto hcm;
    if (config::UnpackTypedConfigTo(chain->filters(0).typed_config(), hcm, filter, errors)) {
      config->http = CompileHttpConfig(hcm, *this, filter, errors);
      ChainConfig& compiled = config->chains.emplace_back();
      compiled.name = chain->name();
      compiled.http = config->http;
      if (hcm.has_rds()) result.rds_source = hcm.rds().config_source();
    }
  }
  if (errors.count() == before) result.config = std::move(config);
  return result;
}

}  // namespace proxenos::downstream
