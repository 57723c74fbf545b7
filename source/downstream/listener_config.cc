// The listener's fields, and the way to its connection manager.
#include "source/downstream/listener_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/typed_config.h"
#include "source/downstream/chain_match_config.h"
#include "source/downstream/http_config_config.h"
#include "source/tls/context_config.h"
#include "source/upstream/address_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::downstream {
namespace {

using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using ListenerProto = envoy::config::listener::v3::Listener;
using ChainProto = envoy::config::listener::v3::FilterChain;

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

// One filter chain: its transport socket and its connection manager, and nothing else.
void CompileChain(const ChainProto& proto, const ListenerCompiler& compiler,
                  const config::Path& path, ListenerConfig& config, config::Errors& errors) {
  ChainConfig& chain = config.chains.emplace_back();
  chain.name = proto.name();
  if (proto.has_transport_socket()) {
    chain.tls = tls::CompileDownstreamTransport(
        proto.transport_socket(), absl::StrCat("listener ", config.name, " ", proto.name()),
        path.Field("transport_socket"), errors);
  }
  if (proto.has_transport_socket_connect_timeout()) {
    chain.handshake_timeout =
        upstream::CompileDuration(proto.transport_socket_connect_timeout(), errors,
                                  path.Field("transport_socket_connect_timeout"));
  }
  if (proto.filters_size() != 1) {
    errors.Add(path.Field("filters"),
               "expected exactly one network filter, the HttpConnectionManager");
    return;
  }
  const config::Path filter = path.Field("filters").Index(0).Field("typed_config");
  HcmProto hcm;
  if (config::UnpackTypedConfigTo(proto.filters(0).typed_config(), hcm, filter, errors)) {
    chain.http = CompileHttpConfig(hcm, compiler, filter, errors);
  }
}

void AddToMatch(const ListenerProto& listener, int index, const config::Path& path,
                ListenerConfig& config, config::Errors& errors) {
  const ChainProto& proto = listener.filter_chains(index);
  const config::Path at = path.Field("filter_chain_match");
  int other = -1;
  switch (
      config.match.Add(index, CompileCriteria(proto.filter_chain_match(), at, errors), &other)) {
    case ChainMatch::Added::kDone:
      return;
    case ChainMatch::Added::kDuplicate:
      errors.Add(at, absl::StrCat("filter chain '", proto.name(), "' matches what filter chain '",
                                  listener.filter_chains(other).name(),
                                  "' does: nothing would choose between them"));
      return;
    case ChainMatch::Added::kTooMany:
      errors.Add(at, "expected fewer combinations of values in all filter chains together");
      return;
  }
}

void Chains(const ListenerProto& proto, const ListenerCompiler& compiler, ListenerConfig& config,
            const config::Path& path, config::Errors& errors) {
  for (int i = 0; i < proto.filter_chains_size(); ++i) {
    const config::Path at = path.Field("filter_chains").Index(static_cast<size_t>(i));
    CompileChain(proto.filter_chains(i), compiler, at, config, errors);
    AddToMatch(proto, i, at, config, errors);
  }
  if (proto.has_default_filter_chain()) {
    CompileChain(proto.default_filter_chain(), compiler, path.Field("default_filter_chain"), config,
                 errors);
    config.match.SetDefault(proto.filter_chains_size());
  }
  if (config.chains.empty()) {
    errors.Add(path.Field("filter_chains"), "expected at least one, or a default_filter_chain");
  }
}

void ListenerFilters(const ListenerProto& proto, const ListenerCompiler& compiler,
                     ListenerConfig& config, const config::Path& path, config::Errors& errors) {
  for (int i = 0; i < proto.listener_filters_size(); ++i) {
    const auto& filter = proto.listener_filters(i);
    const config::Path at =
        path.Field("listener_filters").Index(static_cast<size_t>(i)).Field("typed_config");
    const std::string type = config::TypedConfigType(filter.typed_config());
    const auto kind =
        std::find_if(compiler.listener_filters.begin(), compiler.listener_filters.end(),
                     [&type](const filter::ListenerFilterKind& each) {
                       return absl::string_view(type) == each.type;
                     });
    if (kind == compiler.listener_filters.end()) {
      errors.Add(at, absl::StrCat("listener filter '", filter.name(), "' of type '", type,
                                  "' is not implemented by proxenos"));
      continue;
    }
    auto factory = kind->create(filter.typed_config(), at, errors);
    if (factory != nullptr) config.filters.push_back(std::move(factory));
  }
  if (proto.has_listener_filters_timeout()) {
    config.filters_timeout = upstream::CompileDuration(proto.listener_filters_timeout(), errors,
                                                       path.Field("listener_filters_timeout"));
  }
  config.continue_on_filters_timeout = proto.continue_on_listener_filters_timeout();
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
  ListenerFilters(listener, *this, *config, path, errors);
  Chains(listener, *this, *config, path, errors);
  if (errors.count() == before) result.config = std::move(config);
  return result;
}

}  // namespace proxenos::downstream
