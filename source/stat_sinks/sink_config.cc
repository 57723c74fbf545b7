// Sinks, and what detects the resource that they speak for.
#include "source/stat_sinks/sink_config.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry.pb.h"
#include "envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector.pb.h"
#include "envoy/extensions/tracers/opentelemetry/resource_detectors/v3/static_config_resource_detector.pb.h"
#include "source/config/typed_config.h"
#include "source/rpc/service_config.h"

namespace proxenos::stat_sinks {
namespace {

namespace detectors = envoy::extensions::tracers::opentelemetry::resource_detectors::v3;
using envoy::extensions::stat_sinks::open_telemetry::v3::SinkConfig;
using Attributes = std::vector<std::pair<std::string, std::string>>;

constexpr char kMethod[] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
constexpr base::Nanos kTimeout = 5 * base::kSecond;

// "a=b,c=d", as OpenTelemetry's libraries read it.
void ReadEnvironment(Attributes& to) {
  const char* text = std::getenv("OTEL_RESOURCE_ATTRIBUTES");
  if (text == nullptr) return;
  for (const absl::string_view pair : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    to.emplace_back(absl::StripAsciiWhitespace(halves.first),
                    absl::StripAsciiWhitespace(halves.second));
  }
}

void AddAttributes(const envoy::config::core::v3::TypedExtensionConfig& proto,
                   config::Errors& errors, const config::Path& path, Attributes& to) {
  detectors::StaticConfigResourceDetectorConfig fixed;
  detectors::EnvironmentResourceDetectorConfig environment;
  const std::string_view type = config::TypedConfigType(proto.typed_config());
  const config::Path at = path.Field("typed_config");
  if (type == environment.GetTypeName()) {
    ReadEnvironment(to);
  } else if (type != fixed.GetTypeName()) {
    errors.AddValue(at, type,
                    "StaticConfigResourceDetectorConfig or EnvironmentResourceDetectorConfig");
  } else if (config::UnpackTypedConfigTo(proto.typed_config(), fixed, at, errors)) {
    for (const auto& [key, value] : fixed.attributes()) to.emplace_back(key, value);
  }
}

OtlpSinkConfig CompileSink(const SinkConfig& proto, config::Errors& errors,
                           const config::Path& path) {
  OtlpSinkConfig config;
  config.service = rpc::CompileGrpcService(proto.grpc_service(), kMethod, kTimeout,
                                           path.Field("grpc_service"), errors);
  OtlpOptions& options = config.options;
  options.counters_as_deltas = proto.report_counters_as_deltas();
  options.histograms_as_deltas = proto.report_histograms_as_deltas();
  options.tags_as_attributes =
      !proto.has_emit_tags_as_attributes() || proto.emit_tags_as_attributes().value();
  options.short_names =
      !proto.has_use_tag_extracted_name() || proto.use_tag_extracted_name().value();
  if (!proto.prefix().empty()) options.prefix = absl::StrCat(proto.prefix(), ".");
  options.max_points = proto.max_data_points_per_request();
  for (int i = 0; i < proto.resource_detectors_size(); ++i) {
    AddAttributes(proto.resource_detectors(i), errors,
                  path.Field("resource_detectors").Index(static_cast<size_t>(i)), options.resource);
  }
  return config;
}

bool HasCluster(const envoy::config::bootstrap::v3::Bootstrap& bootstrap, const std::string& name) {
  for (const auto& cluster : bootstrap.static_resources().clusters()) {
    if (cluster.name() == name) return true;
  }
  return false;
}

}  // namespace

std::vector<OtlpSinkConfig> CompileSinks(const envoy::config::bootstrap::v3::Bootstrap& bootstrap,
                                         config::Errors& errors) {
  std::vector<OtlpSinkConfig> sinks;
  for (int i = 0; i < bootstrap.stats_sinks_size(); ++i) {
    const config::Path path =
        config::Path("stats_sinks").Index(static_cast<size_t>(i)).Field("typed_config");
    SinkConfig proto;
    if (!config::UnpackTypedConfigTo(bootstrap.stats_sinks(i).typed_config(), proto, path,
                                     errors)) {
      continue;
    }
    OtlpSinkConfig config = CompileSink(proto, errors, path);
    if (!config.service.cluster.empty() && !HasCluster(bootstrap, config.service.cluster)) {
      errors.AddValue(path.Field("grpc_service").Field("envoy_grpc").Field("cluster_name"),
                      config.service.cluster, "a cluster of static_resources");
    }
    sinks.push_back(std::move(config));
  }
  return sinks;
}

}  // namespace proxenos::stat_sinks
