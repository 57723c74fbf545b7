// The sink, and what detects the resource that it speaks for.
#include "source/stat_sinks/otlp_sink_config.h"

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
  const std::string type = config::TypedConfigType(proto.typed_config());
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

}  // namespace

OtlpSinkConfig CompileOtlpSink(const SinkConfig& proto, config::Errors& errors,
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

}  // namespace proxenos::stat_sinks
