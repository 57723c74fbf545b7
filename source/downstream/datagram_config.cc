// One filter, and nothing that only connections have.
#include "source/downstream/datagram_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/config/typed_config.h"
#include "source/upstream/address_config.h"

namespace proxenos::downstream {
namespace {

using ListenerProto = envoy::config::listener::v3::Listener;
using envoy::config::core::v3::SocketAddress;

bool IsOfDatagrams(const envoy::config::core::v3::Address& proto) {
  return proto.has_socket_address() && proto.socket_address().protocol() == SocketAddress::UDP;
}

// What would have no effect, or that which nobody means.
void RefuseOfConnections(const ListenerProto& proto, const config::Path& path,
                         config::Errors& errors) {
  const auto refuse = [&path, &errors](bool is_set, const char* field) {
    if (is_set) errors.Add(path.Field(field), "cannot stand in a listener of UDP");
  };
  refuse(proto.filter_chains_size() != 0, "filter_chains");
  refuse(proto.has_default_filter_chain(), "default_filter_chain");
  refuse(proto.has_filter_chain_matcher(), "filter_chain_matcher");
  refuse(proto.use_original_dst().value(), "use_original_dst");
  refuse(proto.enable_mptcp(), "enable_mptcp");
  refuse(proto.has_tcp_fast_open_queue_length(), "tcp_fast_open_queue_length");
  refuse(proto.has_tcp_keepalive(), "tcp_keepalive");
}

std::unique_ptr<const DatagramTerminal> CompileTerminal(const ListenerProto& proto,
                                                        const ListenerCompiler& compiler,
                                                        const config::Path& path,
                                                        config::Errors& errors) {
  const config::Path filters = path.Field("listener_filters");
  if (proto.listener_filters_size() != 1) {
    errors.Add(filters, "expected exactly one, to take the datagrams");
    return nullptr;
  }
  const auto& filter = proto.listener_filters(0);
  if (filter.has_filter_disabled()) {
    errors.Add(filters.Index(0).Field("filter_disabled"), "cannot stand in a listener of UDP");
  }
  const config::Path at = filters.Index(0).Field("typed_config");
  const std::string type = config::TypedConfigType(filter.typed_config());
  const DatagramTerminalKinds kinds = compiler.network.datagrams;
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [&type](const auto& kind) { return kind.type == type; });
  if (found == kinds.end()) {
    errors.Add(at, absl::StrCat("listener filter '", filter.name(), "' of type '", type,
                                "' does not take datagrams, or is not implemented by proxenos"));
    return nullptr;
  }
  return found->create(filter.typed_config(), {compiler.log_writer}, at, errors);
}

}  // namespace

std::shared_ptr<const DatagramConfig> CompileDatagrams(const ListenerProto& proto,
                                                       const ListenerCompiler& compiler,
                                                       const config::Path& path,
                                                       config::Errors& errors) {
  const auto& udp = proto.udp_listener_config();
  if (!IsOfDatagrams(proto.address())) {
    if (proto.has_udp_listener_config()) {
      errors.Add(path.Field("udp_listener_config"), "expected `protocol: UDP` in address as well");
    }
    return nullptr;
  }
  RefuseOfConnections(proto, path, errors);
  auto config = std::make_unique<DatagramConfig>();
  if (udp.downstream_socket_config().has_max_rx_datagram_size()) {
    config->max_bytes =
        static_cast<uint32_t>(udp.downstream_socket_config().max_rx_datagram_size().value());
  }
  config->terminal = CompileTerminal(proto, compiler, path, errors);
  return config;
}

std::optional<net::Address> CompileDatagramListenAddress(
    const envoy::config::core::v3::Address& proto, const config::Path& path,
    config::Errors& errors) {
  if (!IsOfDatagrams(proto)) {
    errors.Add(path, "expected one of UDP, as the listener's first");
    return std::nullopt;
  }
  return upstream::CompileDatagramAddress(proto.socket_address(), errors,
                                          path.Field("socket_address"));
}

}  // namespace proxenos::downstream
