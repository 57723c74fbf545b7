// The listener's fields, and the way to its connection manager.
#include "source/downstream/listener_config.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/access_log/notes_wanted.h"
#include "source/config/typed_config.h"
#include "source/downstream/chain_match_config.h"
#include "source/downstream/chain_tree_config.h"
#include "source/downstream/closed_chain.h"
#include "source/downstream/connection_balance.h"
#include "source/downstream/datagram_config.h"
#include "source/downstream/filter_predicate_config.h"
#include "source/downstream/http_config_config.h"
#include "source/tls/context_config.h"
#include "source/upstream/address_config.h"
#include "source/upstream/duration_config.h"
#include "source/upstream/socket_option_config.h"

namespace proxenos::downstream {
namespace {

using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using ListenerProto = envoy::config::listener::v3::Listener;
using ChainProto = envoy::config::listener::v3::FilterChain;

// The row of a table of kinds, or null.
template <typename Kind>
const Kind* KindOf(absl::Span<const Kind> kinds, absl::string_view type) {
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [type](const Kind& each) { return each.type == type; });
  return found == kinds.end() ? nullptr : &*found;
}

void AddAddress(const envoy::config::core::v3::Address& proto, ListenerConfig& config,
                const config::Path& path, config::Errors& errors) {
  std::optional<net::Address> address;
  if (config.datagrams != nullptr) {
    address = CompileDatagramListenAddress(proto, path, errors);
    config.listen.ipv4_compat = config.listen.ipv4_compat || proto.socket_address().ipv4_compat();
  } else if (proto.has_pipe()) {
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
  if (proto.has_internal_listener()) {
    if (proto.has_address() || proto.additional_addresses_size() != 0) {
      errors.Add(path.Field("address"), "expected none of a listener that is internal");
    }
    config.addresses.push_back(net::Address::Internal(config.name, ""));
    config.bind_to_port = false;
    return;
  }
  AddAddress(proto.address(), config, path.Field("address"), errors);
  for (int i = 0; i < proto.additional_addresses_size(); ++i) {
    AddAddress(proto.additional_addresses(i).address(), config,
               path.Field("additional_addresses").Index(static_cast<size_t>(i)).Field("address"),
               errors);
  }
}

upstream::SocketKind KindOfSockets(const ListenerConfig& config) {
  using upstream::SocketKind;
  return config.datagrams == nullptr ? SocketKind::kStream : SocketKind::kDatagram;
}

net::TcpKeepalive KeepaliveOf(const envoy::config::core::v3::TcpKeepalive& from) {
  net::TcpKeepalive keepalive;
  if (from.has_keepalive_probes()) keepalive.probes = from.keepalive_probes().value();
  if (from.has_keepalive_time()) keepalive.time_s = from.keepalive_time().value();
  if (from.has_keepalive_interval()) keepalive.interval_s = from.keepalive_interval().value();
  return keepalive;
}

// Of addresses that say otherwise than their listener. REQUIRES: `config.listen` is complete.
void OptionsOfEach(const ListenerProto& proto, ListenerConfig& config) {
  const auto& further = proto.additional_addresses();
  const bool any = std::any_of(further.begin(), further.end(), [](const auto& each) {
    return each.has_socket_options() || each.has_tcp_keepalive();
  });
  if (!any) return;
  const upstream::SocketKind kind = KindOfSockets(config);
  config.listen_each.assign(1 + static_cast<size_t>(further.size()), config.listen);
  for (int i = 0; i < further.size(); ++i) {
    net::ListenOptions& listen = config.listen_each[1 + static_cast<size_t>(i)];
    if (further[i].has_socket_options()) {
      listen.options =
          upstream::CompileSocketOptions(further[i].socket_options().socket_options(), kind);
    }
    if (further[i].has_tcp_keepalive()) listen.keepalive = KeepaliveOf(further[i].tcp_keepalive());
  }
}

void SocketOptions(const ListenerProto& proto, ListenerConfig& config) {
  net::ListenOptions& listen = config.listen;
  if (proto.has_tcp_backlog_size()) {
    listen.backlog = static_cast<int>(proto.tcp_backlog_size().value());
  }
  if (proto.has_enable_reuse_port()) listen.reuse_port = proto.enable_reuse_port().value();
  if (proto.has_transparent()) listen.transparent = proto.transparent().value();
  if (proto.has_freebind()) listen.freebind = proto.freebind().value();
  if (proto.has_tcp_fast_open_queue_length()) {
    listen.tcp_fast_open_queue = proto.tcp_fast_open_queue_length().value();
  }
  if (proto.has_tcp_keepalive()) listen.keepalive = KeepaliveOf(proto.tcp_keepalive());
  listen.mptcp = proto.enable_mptcp();
  listen.options = upstream::CompileSocketOptions(proto.socket_options(), KindOfSockets(config));
}

void CompileTerminal(const envoy::config::listener::v3::Filter& proto,
                     const ListenerCompiler& compiler, const config::Path& path, ChainConfig& chain,
                     config::Errors& errors) {
  const std::string type = config::TypedConfigType(proto.typed_config());
  if (const NetworkTerminalKind* kind = KindOf(compiler.network.terminals, type)) {
    chain.terminal = kind->create(proto.typed_config(), {compiler.log_writer}, path, errors);
    return;
  }
  HcmProto hcm;
  if (config::UnpackTypedConfigTo(proto.typed_config(), hcm, path, errors)) {
    chain.http = CompileHttpConfig(hcm, compiler, path, errors);
  }
}

// All but the last let connections pass, the last handles them.
void NetworkFilters(const ChainProto& proto, const ListenerCompiler& compiler,
                    const config::Path& path, ChainConfig& chain, config::Errors& errors) {
  if (proto.filters_size() == 0) chain.terminal = std::make_shared<const ClosedChain>();
  for (int i = 0; i < proto.filters_size(); ++i) {
    const auto& filter = proto.filters(i);
    const config::Path at = path.Index(static_cast<size_t>(i)).Field("typed_config");
    const std::string type = config::TypedConfigType(filter.typed_config());
    const bool last = i + 1 == proto.filters_size();
    const filter::NetworkFilterKind* kind = KindOf(compiler.network.filters, type);
    if (kind == nullptr && type != HcmProto::descriptor()->full_name() &&
        KindOf(compiler.network.terminals, type) == nullptr) {
      errors.Add(at, absl::StrCat("network filter '", filter.name(), "' of type '", type,
                                  "' is not implemented by proxenos"));
    } else if (last && kind != nullptr) {
      errors.Add(at, absl::StrCat("network filter '", filter.name(),
                                  "' cannot be the last: it lets connections pass, and none would "
                                  "handle them"));
    } else if (!last && kind == nullptr) {
      errors.Add(at,
                 absl::StrCat("network filter '", filter.name(),
                              "' must be the last: it handles the connections, and those behind "
                              "it would see none"));
    } else if (last) {
      CompileTerminal(filter, compiler, at, chain, errors);
    } else if (auto factory = kind->create(filter.typed_config(), at, errors)) {
      chain.filters.push_back(std::move(factory));
    }
  }
}

// One filter chain: its transport socket and its network filters.
std::shared_ptr<const ChainConfig> CompileChain(const ChainProto& proto,
                                                const ListenerCompiler& compiler,
                                                const config::Path& path,
                                                const ListenerConfig& config,
                                                config::Errors& errors) {
  auto compiled = std::make_unique<ChainConfig>();
  ChainConfig& chain = *compiled;
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
  NetworkFilters(proto, compiler, path.Field("filters"), chain, errors);
  return compiled;
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

// Makes the chain of a proto.
using MakeChain =
    absl::FunctionRef<std::shared_ptr<const ChainConfig>(const ChainProto&, const config::Path&)>;

// The default one last, and what chooses between them.
void Chains(const ListenerProto& proto, MakeChain make, ListenerConfig& config,
            const config::Path& path, config::Errors& errors) {
  for (int i = 0; i < proto.filter_chains_size(); ++i) {
    const config::Path at = path.Field("filter_chains").Index(static_cast<size_t>(i));
    config.chains.push_back(make(proto.filter_chains(i), at));
    if (!proto.has_filter_chain_matcher()) AddToMatch(proto, i, at, config, errors);
  }
  if (proto.connection_balance_config().has_exact_balance() && config.balance == nullptr) {
    // tidy: allow shared-mutable: ListenerConfig::balance.
    config.balance = std::make_shared<ConnectionBalance>();
  }
  if (proto.has_filter_chain_matcher()) config.chain_tree = CompileChainTree(proto, path, errors);
  if (proto.has_default_filter_chain()) {
    config.chains.push_back(make(proto.default_filter_chain(), path.Field("default_filter_chain")));
    config.match.SetDefault(proto.filter_chains_size());
  }
  if (config.chains.empty()) {
    errors.Add(path.Field("filter_chains"), "expected at least one, or a default_filter_chain");
  }
}

// Adds a listener filter without settings before all others.
void PrependFilter(absl::string_view type, const ListenerCompiler& compiler, ListenerConfig& config,
                   const config::Path& path, config::Errors& errors) {
  google::protobuf::Any any;
  any.set_type_url(absl::StrCat("type.googleapis.com/", type));
  const filter::ListenerFilterKind* kind = KindOf(compiler.listener_filters, type);
  if (kind == nullptr) return;
  auto factory = kind->create(any, path, errors);
  if (factory == nullptr) return;
  config.filters.insert(config.filters.begin(), std::move(factory));
  auto& disabled = config.filters_disabled;
  if (!disabled.empty()) disabled.insert(disabled.begin(), nullptr);
}

// Filters that other fields than listener_filters ask for. As in Envoy it is the first chain that
// says whether all of the listener's connections begin with a PROXY header.
void ImpliedFilters(const ListenerProto& proto, const ListenerCompiler& compiler,
                    ListenerConfig& config, const config::Path& path, config::Errors& errors) {
  const bool any = proto.filter_chains_size() > 0;
  const ChainProto& first = any ? proto.filter_chains(0) : proto.default_filter_chain();
  if (first.use_proxy_proto().value()) {
    const config::Path chain =
        any ? path.Field("filter_chains").Index(0) : path.Field("default_filter_chain");
    PrependFilter("envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol", compiler,
                  config, chain.Field("use_proxy_proto"), errors);
  }
  // Where a redirected connection went has to be known before it can be handed on.
  if (!proto.use_original_dst().value()) return;
  config.use_original_dst = true;
  PrependFilter("envoy.extensions.filters.listener.original_dst.v3.OriginalDst", compiler, config,
                path.Field("use_original_dst"), errors);
}

// Of the last of config.filters.
void AddDisabled(const envoy::config::listener::v3::ListenerFilterChainMatchPredicate& proto,
                 ListenerConfig& config, const config::Path& path, config::Errors& errors) {
  config.filters_disabled.resize(config.filters.size());
  config.filters_disabled.back() = std::make_shared<const FilterPredicate>(
      CompileFilterPredicate(proto, path.Field("filter_disabled"), errors));
}

void ListenerFilters(const ListenerProto& proto, const ListenerCompiler& compiler,
                     ListenerConfig& config, const config::Path& path, config::Errors& errors) {
  for (int i = 0; i < proto.listener_filters_size(); ++i) {
    const auto& filter = proto.listener_filters(i);
    const config::Path at_filter = path.Field("listener_filters").Index(static_cast<size_t>(i));
    const config::Path at = at_filter.Field("typed_config");
    const std::string type = config::TypedConfigType(filter.typed_config());
    const filter::ListenerFilterKind* kind = KindOf(compiler.listener_filters, type);
    if (KindOf(compiler.network.datagrams, type) != nullptr) {
      errors.Add(at, absl::StrCat("listener filter '", filter.name(),
                                  "' takes datagrams: the listener's address is none of UDP"));
      continue;
    }
    if (kind == nullptr) {
      errors.Add(at, absl::StrCat("listener filter '", filter.name(), "' of type '", type,
                                  "' is not implemented by proxenos"));
      continue;
    }
    auto factory = kind->create(filter.typed_config(), at, errors);
    if (factory == nullptr) continue;
    config.filters.push_back(std::move(factory));
    if (filter.has_filter_disabled())
      AddDisabled(filter.filter_disabled(), config, at_filter, errors);
  }
  if (!config.filters_disabled.empty()) config.filters_disabled.resize(config.filters.size());
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
    snapshot->asks_notes = snapshot->asks_notes || access_log::AsksForNotes(format.text);
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
  if (!config->name.empty()) {
    config->connection_limit.key =
        absl::StrCat("envoy.resource_limits.listener.", config->name, ".connection_limit");
  }
  config->stat_prefix = listener.stat_prefix();
  config->bind_to_port = !listener.has_bind_to_port() || listener.bind_to_port().value();
  config->inbound =
      listener.traffic_direction() == envoy::config::core::v3::TrafficDirection::INBOUND;
  config->drains_when_failing = listener.drain_type() == ListenerProto::DEFAULT;
  config->outbound =
      listener.traffic_direction() == envoy::config::core::v3::TrafficDirection::OUTBOUND;
  if (listener.has_per_connection_buffer_limit_bytes()) {
    // Zero is "no limit" there; as good as none is what 32 bits can say.
    const uint32_t limit = listener.per_connection_buffer_limit_bytes().value();
    config->connection_buffer_bytes = limit == 0 ? UINT32_MAX : limit;
  }
  if (listener.has_max_connections_to_accept_per_socket_event()) {
    config->max_accepts_per_turn = listener.max_connections_to_accept_per_socket_event().value();
  }
  config->ignores_global_limit = listener.ignore_global_conn_limit();
  config->access_logs = access_log::CompileAccessLogs(listener.access_log(), log_writer,
                                                      path.Field("access_log"), errors);
  config->datagrams = CompileDatagrams(listener, *this, path, errors);
  Addresses(listener, *config, path, errors);
  SocketOptions(listener, *config);
  OptionsOfEach(listener, *config);
  if (config->datagrams == nullptr) {
    ListenerFilters(listener, *this, *config, path, errors);
    ImpliedFilters(listener, *this, *config, path, errors);
    const auto make = [this, &config, &errors](const ChainProto& chain, const config::Path& at) {
      return CompileChain(chain, *this, at, *config, errors);
    };
    Chains(listener, make, *config, path, errors);
  }
  if (errors.count() == before) result.config = std::move(config);
  return result;
}

ListenerCompiler::Result ListenerCompiler::CompileChains(const ListenerProto& listener,
                                                         const Predecessor& before,
                                                         const config::Path& path,
                                                         config::Errors& errors) const {
  const size_t errors_before = errors.count();
  auto config = std::make_unique<ListenerConfig>();
  static_cast<ListenerFrame&>(*config) = before.config;
  size_t next = 0;
  const auto make = [&](const ChainProto& chain, const config::Path& at) {
    const int32_t kept = before.kept[next++];
    return kept < 0 ? CompileChain(chain, *this, at, *config, errors)
                    : before.config.chains[static_cast<size_t>(kept)];
  };
  Chains(listener, make, *config, path, errors);
  Result result;
  if (errors.count() == errors_before) result.config = std::move(config);
  return result;
}

}  // namespace proxenos::downstream
