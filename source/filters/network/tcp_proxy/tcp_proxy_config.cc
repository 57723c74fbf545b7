// Its fields, one after another.
#include "source/filters/network/tcp_proxy/tcp_proxy_config.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "source/access_log/access_log_config.h"
#include "source/access_log/notes_wanted.h"
#include "source/config/typed_config.h"
#include "source/filter/cluster_source_config.h"
#include "source/filters/network/tcp_proxy/tcp_proxy.h"
#include "source/route/compilation_config.h"
#include "source/route/header_mutations_config.h"
#include "source/route/metadata_match_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::tcp_proxy {
namespace {

using Proto = envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
using upstream::CompileDuration;

// Envoy's default of TcpProxy.OnDemand.timeout.
constexpr base::Nanos kDemandTimeout = 60 * base::kSecond;

void Clusters(const Proto& proto, TcpProxyConfig& config) {
  if (proto.cluster_specifier_case() == Proto::kCluster) {
    config.clusters.push_back(proto.cluster());
    return;
  }
  uint64_t sum = 0;
  for (const auto& cluster : proto.weighted_clusters().clusters()) {
    config.clusters.push_back(cluster.name());
    config.weights.push_back(sum += cluster.weight());
  }
}

// Of the proxy, with a weighted cluster's own over it.
void Subsets(const Proto& proto, TcpProxyConfig& config) {
  std::shared_ptr<const route::MetadataMatch> whole;
  if (proto.has_metadata_match()) {
    whole = route::CompileMetadataMatch(proto.metadata_match(), nullptr);
  }
  bool any = whole != nullptr;
  if (proto.cluster_specifier_case() == Proto::kCluster) config.subsets.push_back(whole);
  for (const auto& cluster : proto.weighted_clusters().clusters()) {
    any = any || cluster.has_metadata_match();
    config.subsets.push_back(cluster.has_metadata_match()
                                 ? route::CompileMetadataMatch(cluster.metadata_match(), whole)
                                 : whole);
  }
  if (!any) config.subsets.clear();
}

void Times(const Proto& proto, TcpProxyConfig& config, const config::Path& path,
           config::Errors& errors) {
  if (proto.has_idle_timeout()) {
    config.idle_timeout = CompileDuration(proto.idle_timeout(), errors, path.Field("idle_timeout"));
  }
  if (proto.has_max_downstream_connection_duration()) {
    config.max_duration = CompileDuration(proto.max_downstream_connection_duration(), errors,
                                          path.Field("max_downstream_connection_duration"));
  }
  if (proto.has_max_downstream_connection_duration_jitter_percentage()) {
    config.max_duration_jitter_percent =
        proto.max_downstream_connection_duration_jitter_percentage().value();
  }
}

void Connecting(const Proto& proto, TcpProxyConfig& config, const config::Path& path,
                config::Errors& errors) {
  if (proto.has_max_connect_attempts()) {
    config.max_connect_attempts = proto.max_connect_attempts().value();
  }
  if (proto.has_backoff_options()) {
    const auto& backoff = proto.backoff_options();
    const config::Path at = path.Field("backoff_options");
    config.backoff_base =
        CompileDuration(backoff.base_interval(), errors, at.Field("base_interval"));
    config.backoff_max =
        backoff.has_max_interval()
            ? CompileDuration(backoff.max_interval(), errors, at.Field("max_interval"))
            : 10 * config.backoff_base;
  }
  config.checks_drain = proto.check_drain_close().value();
  using envoy::extensions::filters::network::tcp_proxy::v3::UpstreamConnectMode;
  config.connects_on_data =
      proto.upstream_connect_mode() == UpstreamConnectMode::ON_DOWNSTREAM_DATA;
  if (proto.upstream_connect_mode() != UpstreamConnectMode::IMMEDIATE &&
      !proto.has_max_early_data_bytes()) {
    errors.Add(path.Field("max_early_data_bytes"),
               "expected a limit, since upstream_connect_mode is not IMMEDIATE");
  }
}

std::optional<access_log::Formatter> CompileFormat(const std::string& text,
                                                   const config::Path& path,
                                                   config::Errors& errors) {
  auto formatter =
      access_log::Formatter::Compile(text, {.omit_empty_values = true, .extensions = {}});
  if (formatter.ok()) return *std::move(formatter);
  errors.Add(path, std::string(formatter.status().message()));
  return std::nullopt;
}

void Demands(const Proto& proto, TcpProxyConfig& config, const config::Path& path,
             config::Errors& errors) {
  const auto& from = proto.on_demand();
  if (!from.has_odcds_config()) return;
  config.on_demand =
      filter::CompileClusterSource(from.odcds_config(), path.Field("odcds_config"), errors);
  config.on_demand->timeout = from.has_timeout()
                                  ? CompileDuration(from.timeout(), errors, path.Field("timeout"))
                                  : kDemandTimeout;
}

void Tunneling(const Proto& proto, TcpProxyConfig& config, const config::Path& path,
               config::Errors& errors) {
  if (!proto.has_tunneling_config()) return;
  const auto& from = proto.tunneling_config();
  std::optional<access_log::Formatter> hostname =
      CompileFormat(from.hostname(), path.Field("hostname"), errors);
  if (!from.post_path().empty() && !from.use_post()) {
    errors.Add(path.Field("post_path"), "expected use_post to be true as well");
  }
  if (!hostname) return;
  auto tunnel = std::make_unique<Tunnel>(Tunnel{*std::move(hostname)});
  tunnel->post = from.use_post();
  if (!from.post_path().empty()) tunnel->path = from.post_path();
  route::RouteTableParts parts;
  route::Compilation compilation(errors, parts, {});
  tunnel->headers =
      route::CompileHeaderMutations(from.headers_to_add(), {}, "request", compilation, path);
  for (const route::FormatString& format : parts.formats) {
    auto compiled = CompileFormat(format.text, config::Path(format.path), errors);
    if (compiled) tunnel->formats.push_back(*std::move(compiled));
  }
  config.tunnel = std::move(tunnel);
}

void Logs(const Proto& proto, access_log::LogWriter* writer, TcpProxyConfig& config,
          const config::Path& path, config::Errors& errors) {
  config.access_logs =
      access_log::CompileAccessLogs(proto.access_log(), writer, path.Field("access_log"), errors);
  for (const auto& log : proto.access_log()) {
    config.asks_notes = config.asks_notes || access_log::AsksForNotes(log.SerializeAsString());
  }
  config.logs_connected = proto.flush_access_log_on_connected();
  if (proto.has_access_log_flush_interval()) {
    config.log_interval = CompileDuration(proto.access_log_flush_interval(), errors,
                                          path.Field("access_log_flush_interval"));
  }
  if (!proto.has_access_log_options()) return;
  const auto& options = proto.access_log_options();
  config.logs_start = options.flush_access_log_on_start();
  config.logs_connected = options.flush_access_log_on_connected();
  config.log_interval = 0;
  if (options.has_access_log_flush_interval()) {
    config.log_interval =
        CompileDuration(options.access_log_flush_interval(), errors,
                        path.Field("access_log_options").Field("access_log_flush_interval"));
  }
}

TlvMerge MergeOf(const Proto& proto) {
  using namespace envoy::extensions::filters::network::tcp_proxy::v3;
  switch (proto.proxy_protocol_tlv_merge_policy()) {
    case OVERWRITE_BY_TYPE_IF_EXISTS_OR_ADD:
      return TlvMerge::kOverwrite;
    case APPEND_IF_EXISTS_OR_ADD:
      return TlvMerge::kAppend;
    default:
      return TlvMerge::kIfNone;
  }
}

void Tlvs(const Proto& proto, TcpProxyConfig& config, const config::Path& path,
          config::Errors& errors) {
  size_t bytes = 0;
  for (int i = 0; i < proto.proxy_protocol_tlvs_size(); ++i) {
    const auto& each = proto.proxy_protocol_tlvs(i);
    const config::Path at = path.Index(static_cast<size_t>(i)).Field("format_string");
    const auto type = static_cast<uint8_t>(each.type());
    bytes += 3 + each.value().size();
    if (!each.has_format_string()) {
      config.tlvs.fixed.push_back({type, each.value()});
    } else if (!each.value().empty()) {
      errors.Add(at, "expected either value or this");
    } else if (auto format = access_log::CompileFormatString(each.format_string(), at, errors)) {
      config.tlvs.formats.push_back({type, *std::move(format)});
    }
  }
  if (bytes > AddedTlvs::kMaxBytes) {
    errors.Add(path, absl::StrCat("are longer than ", AddedTlvs::kMaxBytes, " bytes together"));
  }
  config.tlvs.merge = MergeOf(proto);
}

}  // namespace

std::unique_ptr<downstream::NetworkTerminal> CreateTcpProxy(const google::protobuf::Any& config,
                                                            const downstream::TerminalLent& lent,
                                                            const config::Path& path,
                                                            config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  TcpProxyConfig result;
  result.stat_prefix = proto.stat_prefix();
  Clusters(proto, result);
  Subsets(proto, result);
  if (!proto.hash_policy().empty()) {
    result.hashes_source = proto.hash_policy(0).has_source_ip();
    result.hashed_state = proto.hash_policy(0).filter_state().key();
  }
  Times(proto, result, path, errors);
  Connecting(proto, result, path, errors);
  Demands(proto, result, path.Field("on_demand"), errors);
  Tunneling(proto, result, path.Field("tunneling_config"), errors);
  Tlvs(proto, result, path.Field("proxy_protocol_tlvs"), errors);
  Logs(proto, lent.log_writer, result, path, errors);
  if (errors.count() != before) return nullptr;
  return std::make_unique<TcpProxy>(std::move(result));
}

}  // namespace proxenos::filters::tcp_proxy
