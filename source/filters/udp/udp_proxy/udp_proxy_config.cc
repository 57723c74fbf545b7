// Its fields, one after another.
#include "source/filters/udp/udp_proxy/udp_proxy_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/udp/udp_proxy/v3/route.pb.h"
#include "envoy/extensions/filters/udp/udp_proxy/v3/udp_proxy.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/base/xxhash64.h"
#include "source/config/typed_config.h"
#include "source/filters/udp/udp_proxy/udp_proxy.h"
#include "source/match/network_input_config.h"
#include "source/match/tree_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::udp_proxy {
namespace {

using Proto = envoy::extensions::filters::udp::udp_proxy::v3::UdpProxyConfig;
using Input = DatagramRoutes::Input;
using upstream::CompileDuration;

constexpr Input kKnown[] = {Input::kDestinationIp, Input::kDestinationPort, Input::kSourceIp,
                            Input::kSourcePort};

// An action is a cluster.
std::optional<uint32_t> AddRoute(const google::protobuf::Any& any, const config::Path& path,
                                 config::Errors& errors, std::vector<std::string>& clusters) {
  envoy::extensions::filters::udp::udp_proxy::v3::Route route;
  if (!config::UnpackTypedConfigTo(any, route, path, errors)) return std::nullopt;
  const auto at = std::find(clusters.begin(), clusters.end(), route.cluster());
  const auto place = static_cast<uint32_t>(at - clusters.begin());
  if (at == clusters.end()) clusters.push_back(route.cluster());
  return place;
}

std::optional<DatagramRoutes> CompileRoutes(const Proto& proto, const config::Path& path,
                                            config::Errors& errors) {
  if (proto.route_specifier_case() == Proto::kCluster) return DatagramRoutes(proto.cluster());
  std::vector<std::string> clusters;
  std::vector<Input> inputs;
  auto tree = match::CompileMatchTree(
      proto.matcher(),
      [&errors, &inputs](const auto& input, const config::Path& at) {
        return match::AddNetworkInput(input, kKnown, at, errors, inputs);
      },
      [&errors, &clusters](const google::protobuf::Any& any, const config::Path& at) {
        return AddRoute(any, at, errors, clusters);
      },
      path.Field("matcher"), errors);
  if (!tree) return std::nullopt;
  return DatagramRoutes(std::move(clusters), std::move(inputs), *std::move(tree));
}

void HashPolicies(const Proto& proto, UdpProxyConfig& config) {
  for (const auto& policy : proto.hash_policies()) {
    if (policy.key().empty()) {
      config.hashes_source = true;
    } else {
      config.hash = base::XxHash64(policy.key());
    }
  }
}

void IdleTimeout(const Proto& proto, UdpProxyConfig& config, const config::Path& path,
                 config::Errors& errors) {
  if (!proto.has_idle_timeout()) return;
  const config::Path at = path.Field("idle_timeout");
  config.idle_timeout = CompileDuration(proto.idle_timeout(), errors, at);
  if (config.idle_timeout <= 0) {
    errors.Add(at, "expected more than nothing: a session would end before its answer");
  }
}

void Logs(const Proto& proto, access_log::LogWriter* writer, UdpProxyConfig& config,
          const config::Path& path, config::Errors& errors) {
  config.session_logs =
      access_log::CompileAccessLogs(proto.access_log(), writer, path.Field("access_log"), errors);
  config.proxy_logs = access_log::CompileAccessLogs(proto.proxy_access_log(), writer,
                                                    path.Field("proxy_access_log"), errors);
  const auto& options = proto.access_log_options();
  if (!options.has_access_log_flush_interval()) return;
  config.log_interval =
      CompileDuration(options.access_log_flush_interval(), errors,
                      path.Field("access_log_options").Field("access_log_flush_interval"));
}

}  // namespace

std::unique_ptr<downstream::DatagramTerminal> CreateUdpProxy(const google::protobuf::Any& config,
                                                             const downstream::TerminalLent& lent,
                                                             const config::Path& path,
                                                             config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  UdpProxyConfig result;
  result.stat_prefix = proto.stat_prefix();
  std::optional<DatagramRoutes> routes = CompileRoutes(proto, path, errors);
  if (routes) result.routes = *std::move(routes);
  result.per_packet = proto.use_per_packet_load_balancing();
  HashPolicies(proto, result);
  IdleTimeout(proto, result, path, errors);
  if (proto.upstream_socket_config().has_max_rx_datagram_size()) {
    result.max_bytes =
        static_cast<uint32_t>(proto.upstream_socket_config().max_rx_datagram_size().value());
  }
  Logs(proto, lent.log_writer, result, path, errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<UdpProxy>(std::move(result));
}

}  // namespace proxenos::filters::udp_proxy
