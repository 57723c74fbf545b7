// What a connection manager says of traces.
#include "source/tracing/tracing_config.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "envoy/extensions/request_id/uuid/v3/uuid.pb.h"
#include "source/config/typed_config.h"
#include "source/route/tracing_config.h"
#include "source/tracing/provider_config.h"

namespace proxenos::tracing {
namespace {

using HcmProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;

void SetPercent(bool present, const envoy::type::v3::Percent& percent,
                runtime::FractionSetting& setting) {
  if (!present) return;
  const double parts = std::clamp(percent.value(), 0.0, 100.0) * 100;
  setting.otherwise = {static_cast<uint32_t>(std::lround(parts)), 10'000};
}

void CompileRequestId(const HcmProto& proto, const config::Path& path, config::Errors& errors,
                      Config& config) {
  config.distrusts_ids = proto.use_remote_address().value() &&
                         (!proto.has_generate_request_id() || proto.generate_request_id().value());
  if (!proto.has_request_id_extension()) return;
  envoy::extensions::request_id::uuid::v3::UuidRequestIdConfig uuid;
  if (!config::UnpackTypedConfigTo(proto.request_id_extension().typed_config(), uuid,
                                   path.Field("request_id_extension").Field("typed_config"),
                                   errors)) {
    return;
  }
  if (uuid.has_pack_trace_reason())
    config.request_id.pack_reason = uuid.pack_trace_reason().value();
  if (uuid.has_use_request_id_for_trace_sampling()) {
    config.request_id.decides_sampling = uuid.use_request_id_for_trace_sampling().value();
  }
}

// Compiles formats into a configuration; the index of the next one where one is wrong.
class Formats {
 public:
  Formats(std::vector<access_log::Formatter>& to, config::Errors& errors)
      : to_(to), errors_(errors) {}

  uint32_t Add(const std::string& text, const config::Path& path) {
    // An absent value leaves nothing.
    auto compiled =
        access_log::Formatter::Compile(text, {.omit_empty_values = true, .extensions = {}});
    if (compiled.ok()) {
      to_.push_back(*std::move(compiled));
      return static_cast<uint32_t>(to_.size() - 1);
    }
    const absl::string_view message = compiled.status().message();
    errors_.Add(path, std::string(message));
    return route::kNoFormat;
  }

 private:
  std::vector<access_log::Formatter>& to_;
  config::Errors& errors_;
};

}  // namespace

std::shared_ptr<const Provider> CompileBootstrapTracer(
    const envoy::config::bootstrap::v3::Bootstrap& bootstrap, config::Errors& errors) {
  if (!bootstrap.tracing().has_http()) return nullptr;
  return CompileProvider(bootstrap.tracing().http(), config::Path("tracing").Field("http"), errors);
}

std::shared_ptr<const Config> CompileTracing(const HcmProto& proto,
                                             std::shared_ptr<const Provider> otherwise,
                                             const config::Path& path, config::Errors& errors) {
  if (!proto.has_tracing()) return nullptr;
  const auto& tracing = proto.tracing();
  const config::Path at = path.Field("tracing");
  auto config = std::make_unique<Config>();
  SetPercent(tracing.has_client_sampling(), tracing.client_sampling(), config->sampling.client);
  SetPercent(tracing.has_random_sampling(), tracing.random_sampling(), config->sampling.random);
  SetPercent(tracing.has_overall_sampling(), tracing.overall_sampling(), config->sampling.overall);
  CompileRequestId(proto, path, errors, *config);
  config->verbose = tracing.verbose();
  config->spawn_upstream_span = tracing.spawn_upstream_span().value();
  config->propagate = !tracing.no_context_propagation();
  if (tracing.has_max_path_tag_length()) {
    config->max_path_bytes = tracing.max_path_tag_length().value();
  }
  Formats formats(config->formats, errors);
  const auto add_format = [&formats](const std::string& text, const config::Path& place) {
    return formats.Add(text, place);
  };
  config->tags =
      route::CompileCustomTags(tracing.custom_tags(), add_format, at.Field("custom_tags"), errors);
  if (!tracing.operation().empty()) {
    config->operation = formats.Add(tracing.operation(), at.Field("operation"));
  }
  if (!tracing.upstream_operation().empty()) {
    config->upstream_operation =
        formats.Add(tracing.upstream_operation(), at.Field("upstream_operation"));
  }
  config->provider = tracing.has_provider()
                         ? CompileProvider(tracing.provider(), at.Field("provider"), errors)
                         : std::move(otherwise);
  // Without a collector (OpenTelemetryConfig may name none) nobody is told.
  return config;
}

}  // namespace proxenos::tracing
