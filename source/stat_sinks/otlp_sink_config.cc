// From SinkConfig to the options of the sink.
#include "source/stat_sinks/otlp_sink_config.h"

#include "absl/strings/str_cat.h"
#include "envoy/extensions/stat_sinks/open_telemetry/v3/open_telemetry.pb.h"
#include "source/rpc/resource_config.h"
#include "source/rpc/service_config.h"

namespace proxenos::stat_sinks {
namespace {

using envoy::extensions::stat_sinks::open_telemetry::v3::SinkConfig;

constexpr char kMethod[] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
constexpr base::Nanos kTimeout = 5 * base::kSecond;

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
  rpc::DetectResource(proto.resource_detectors(), path.Field("resource_detectors"), errors,
                      options.resource);
  return config;
}

}  // namespace proxenos::stat_sinks
