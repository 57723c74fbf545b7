// Which sinks there are, and what each of them asks for.
#include "source/stat_sinks/sink_config.h"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/config/metrics/v3/metrics_service.pb.h"
#include "envoy/config/metrics/v3/stats.pb.h"
#include "envoy/extensions/stat_sinks/graphite_statsd/v3/graphite_statsd.pb.h"
#include "envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry.pb.h"
#include "source/config/typed_config.h"
#include "source/rpc/own_target.h"
#include "source/rpc/service_config.h"
#include "source/stat_sinks/otlp_sink_config.h"
#include "source/upstream/address_config.h"

namespace proxenos::stat_sinks {
namespace {

namespace metrics = envoy::config::metrics::v3;
using envoy::config::bootstrap::v3::Bootstrap;
using envoy::extensions::stat_sinks::graphite_statsd::v3::GraphiteStatsdSink;

constexpr char kMethod[] = "/envoy.service.metrics.v3.MetricsService/StreamMetrics";

void CheckCluster(const Bootstrap& bootstrap, const std::string& name, config::Errors& errors,
                  const config::Path& path) {
  if (rpc::IsOwnTarget(name)) return;
  for (const auto& cluster : bootstrap.static_resources().clusters()) {
    if (cluster.name() == name) return;
  }
  errors.AddValue(path, name, "a cluster of static_resources");
}

net::Address CompileAddress(const envoy::config::core::v3::Address& proto, config::Errors& errors,
                            const config::Path& path) {
  std::optional<net::Address> address;
  if (proto.has_pipe()) {
    address = upstream::CompilePipe(proto.pipe(), errors, path.Field("pipe"));
  } else if (proto.has_socket_address()) {
    address = upstream::CompileDatagramAddress(proto.socket_address(), errors,
                                               path.Field("socket_address"));
  } else {
    errors.Add(path, "expected a socket_address or a pipe");
  }
  return address.value_or(net::Address());
}

std::string PrefixOf(const std::string& configured) {
  return configured.empty() ? "envoy" : configured;
}

// What the three that send datagrams have in common.
template <typename Proto>
StatsdUdpConfig CompileUdp(const Proto& proto, StatsdForm form, config::Errors& errors,
                           const config::Path& path) {
  StatsdUdpConfig config;
  config.form = form;
  config.prefix = PrefixOf(proto.prefix());
  config.address = CompileAddress(proto.address(), errors, path.Field("address"));
  if constexpr (!std::is_same_v<Proto, metrics::StatsdSink>) {
    config.max_datagram_bytes = proto.max_bytes_per_datagram().value();
    if (config.max_datagram_bytes > kMaxDatagramBytes) {
      errors.AddValue(path.Field("max_bytes_per_datagram"), absl::StrCat(config.max_datagram_bytes),
                      absl::StrCat("at most ", kMaxDatagramBytes, ", what UDP carries"));
    }
  }
  return config;
}

MetricsServiceSinkConfig CompileMetricsService(const Bootstrap& bootstrap,
                                               const metrics::MetricsServiceConfig& proto,
                                               config::Errors& errors, const config::Path& path) {
  MetricsServiceSinkConfig config;
  config.service =
      rpc::CompileGrpcService(proto.grpc_service(), kMethod, 0, path.Field("grpc_service"), errors);
  config.service.options.timeout = 0;  // A stream lasts.
  config.options.counters_as_deltas = proto.report_counters_as_deltas().value();
  config.options.tags_as_labels = proto.emit_tags_as_labels();
  config.options.summaries = proto.histogram_emit_mode() != metrics::HISTOGRAM;
  config.options.histograms = proto.histogram_emit_mode() != metrics::SUMMARY;
  config.options.batch_size = proto.batch_size();
  config.node = bootstrap.node().SerializeAsString();
  return config;
}

class Compiler {
 public:
  Compiler(const Bootstrap& bootstrap, config::Errors& errors)
      : bootstrap_(bootstrap), errors_(errors) {}

  std::optional<SinkConfig> Compile(const google::protobuf::Any& any, const config::Path& path) {
    const std::string type = config::TypedConfigType(any);
    if (metrics::StatsdSink proto; Is(any, type, path, proto)) {
      if (proto.has_address()) return CompileUdp(proto, StatsdForm::kPlain, errors_, path);
      CheckCluster(bootstrap_, proto.tcp_cluster_name(), errors_, path.Field("tcp_cluster_name"));
      return StatsdTcpConfig{proto.tcp_cluster_name(), PrefixOf(proto.prefix())};
    }
    if (metrics::DogStatsdSink proto; Is(any, type, path, proto)) {
      return CompileUdp(proto, StatsdForm::kDog, errors_, path);
    }
    if (GraphiteStatsdSink proto; Is(any, type, path, proto)) {
      return CompileUdp(proto, StatsdForm::kGraphite, errors_, path);
    }
    if (metrics::MetricsServiceConfig proto; Is(any, type, path, proto)) {
      auto config = CompileMetricsService(bootstrap_, proto, errors_, path);
      CheckService(config.service, path);
      return config;
    }
    envoy::extensions::stat_sinks::open_telemetry::v3::SinkConfig proto;
    if (!config::UnpackTypedConfigTo(any, proto, path, errors_)) return std::nullopt;
    OtlpSinkConfig config = CompileOtlpSink(proto, errors_, path);
    CheckService(config.service, path);
    return config;
  }

 private:
  bool Is(const google::protobuf::Any& any, const std::string& type, const config::Path& path,
          google::protobuf::Message& proto) {
    return type == proto.GetTypeName() && config::UnpackTypedConfigTo(any, proto, path, errors_);
  }

  void CheckService(const rpc::GrpcService& service, const config::Path& path) {
    if (service.cluster.empty()) return;  // Which has been said.
    CheckCluster(bootstrap_, service.cluster, errors_,
                 path.Field("grpc_service").Field("envoy_grpc").Field("cluster_name"));
  }

  const Bootstrap& bootstrap_;
  config::Errors& errors_;
};

}  // namespace

std::vector<SinkConfig> CompileSinks(const Bootstrap& bootstrap, config::Errors& errors) {
  std::vector<SinkConfig> sinks;
  Compiler compiler(bootstrap, errors);
  for (int i = 0; i < bootstrap.stats_sinks_size(); ++i) {
    const config::Path path =
        config::Path("stats_sinks").Index(static_cast<size_t>(i)).Field("typed_config");
    std::optional<SinkConfig> sink =
        compiler.Compile(bootstrap.stats_sinks(i).typed_config(), path);
    if (sink.has_value()) sinks.push_back(*std::move(sink));
  }
  return sinks;
}

std::unique_ptr<StatSink> MakeSink(SinkConfig config, const SinkSurroundings& surroundings,
                                   FindCluster find_cluster) {
  const auto& [loop, registry, view, started] = surroundings;
  if (auto* udp = std::get_if<StatsdUdpConfig>(&config)) {
    return std::make_unique<StatsdUdpSink>(std::move(*udp), view, registry);
  }
  if (auto* tcp = std::get_if<StatsdTcpConfig>(&config)) {
    return std::make_unique<StatsdTcpSink>(std::move(*tcp), view, registry, loop,
                                           std::move(find_cluster));
  }
  if (auto* service = std::get_if<MetricsServiceSinkConfig>(&config)) {
    return std::make_unique<MetricsServiceSink>(std::move(*service), view, registry,
                                                std::move(find_cluster));
  }
  return std::make_unique<OtlpSink>(std::move(std::get<OtlpSinkConfig>(config)), view, started,
                                    std::move(find_cluster));
}

}  // namespace proxenos::stat_sinks
