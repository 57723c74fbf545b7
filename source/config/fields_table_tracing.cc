// What of tracing is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

constexpr std::string_view kTracers =
    "envoy.config.trace.v3.ZipkinConfig envoy.config.trace.v3.OpenTelemetryConfig "
    "envoy.config.trace.v3.DatadogConfig envoy.config.trace.v3.SkyWalkingConfig";
constexpr std::string_view kOtherTracers =
    "the agents and collectors of X-Ray and others take OpenTelemetry's protocol: write "
    "OpenTelemetryConfig";

std::vector<MessageRules> CustomTagFields() {
  return {
      {"envoy.type.tracing.v3.CustomTag",
       {Use("tag literal environment request_header metadata value")}},
      {"envoy.type.tracing.v3.CustomTag.Literal", {Use("value")}},
      {"envoy.type.tracing.v3.CustomTag.Environment", {Use("name default_value")}},
      {"envoy.type.tracing.v3.CustomTag.Header", {Use("name default_value")}},
      {"envoy.type.tracing.v3.CustomTag.Metadata", {Use("kind metadata_key default_value")}},
      {"envoy.type.metadata.v3.MetadataKind",
       {Use("request route"),
        Refuse("cluster host",
               "metadata of clusters and hosts is not kept: write it in the route "
               "or as a literal")}},
      {"envoy.type.metadata.v3.MetadataKind.Request", {}},
      {"envoy.type.metadata.v3.MetadataKind.Route", {}},
  };
}

std::vector<MessageRules> SamplerFields() {
  constexpr std::string_view kSamplers =
      "envoy.extensions.tracers.opentelemetry.samplers.v3.AlwaysOnSamplerConfig "
      "envoy.extensions.tracers.opentelemetry.samplers.v3.ParentBasedSamplerConfig "
      "envoy.extensions.tracers.opentelemetry.samplers.v3.TraceIdRatioBasedSamplerConfig";
  return {
      {"envoy.config.trace.v3.OpenTelemetryConfig.sampler",
       {Use("name"), Use("typed_config").Only(kSamplers)}},
      {"envoy.config.trace.v3.OpenTelemetryConfig.resource_detectors",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
                               "StaticConfigResourceDetectorConfig "
                               "envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
                               "EnvironmentResourceDetectorConfig")}},
      {"envoy.extensions.tracers.opentelemetry.samplers.v3.AlwaysOnSamplerConfig", {}},
      {"envoy.extensions.tracers.opentelemetry.samplers.v3.ParentBasedSamplerConfig",
       {Use("wrapped_sampler")}},
      {"envoy.extensions.tracers.opentelemetry.samplers.v3.ParentBasedSamplerConfig."
       "wrapped_sampler",
       {Use("name"), Use("typed_config").Only(kSamplers)}},
      {"envoy.extensions.tracers.opentelemetry.samplers.v3.TraceIdRatioBasedSamplerConfig",
       {Use("sampling_percentage")}},
  };
}

std::vector<MessageRules> TracerFields() {
  return {
      {"envoy.config.trace.v3.Tracing", {Use("http")}},
      {"envoy.config.trace.v3.Tracing.Http",
       {Use("name"), Use("typed_config").Only(kTracers, kOtherTracers)}},
      {"envoy.config.trace.v3.ZipkinConfig",
       {
           Use("collector_cluster collector_endpoint collector_hostname collector_service"),
           Use("collector_endpoint_version").Only("HTTP_JSON HTTP_PROTO"),
           Use("trace_id_128bit shared_span_context split_spans_for_request "
               "trace_context_option timestamp_trace_ids"),
       }},
      {"envoy.config.trace.v3.DatadogConfig",
       {Use("collector_cluster service_name collector_hostname"),
        Refuse("remote_config",
               "write shares of requests in the connection manager: the agent is not asked")}},
      {"envoy.config.trace.v3.SkyWalkingConfig", {Use("grpc_service client_config")}},
      {"envoy.config.trace.v3.ClientConfig",
       {Use("service_name instance_name backend_token max_cache_size")}},
      {"envoy.config.trace.v3.SkyWalkingConfig.grpc_service",
       {Use("envoy_grpc initial_metadata"),
        Leave("timeout", "The call stays open; Envoy does not end it either."),
        Refuse("google_grpc", "write envoy_grpc with the name of a cluster"),
        Refuse("retry_policy", "a call that ends is followed by another")}},
      {"envoy.config.trace.v3.OpenTelemetryConfig",
       {
           Use("grpc_service http_service service_name resource_detectors sampler"),
           Use("max_cache_size set_telemetry_sdk_resource_attributes "
               "set_service_name_resource_attribute set_instrumentation_scope"),
           Refuse("exporter", "write grpc_service or http_service"),
       }},
      {"envoy.config.trace.v3.OpenTelemetryConfig.grpc_service",
       {Use("envoy_grpc google_grpc initial_metadata timeout retry_policy")}},
      {"envoy.config.core.v3.HttpService",
       {Use("http_uri request_headers_to_add"),
        Refuse("formatters", "values of these fields are literal")}},
      {"envoy.config.core.v3.HttpService.request_headers_to_add",
       {Use("header"), Leave("append append_action keep_empty_value",
                             "The message has no fields before these that they could tell of.")}},
  };
}

}  // namespace

std::vector<MessageRules> TracingFields() {
  std::vector<MessageRules> all = {
      {"envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing",
       {Use("client_sampling random_sampling overall_sampling verbose max_path_tag_length "
            "custom_tags provider spawn_upstream_span operation upstream_operation "
            "no_context_propagation")}},
      {"envoy.config.route.v3.Decorator", {Use("operation propagate")}},
      {"envoy.config.route.v3.Tracing",
       {Use("client_sampling random_sampling overall_sampling custom_tags operation "
            "upstream_operation")}},
  };
  for (const auto& part : {CustomTagFields(), SamplerFields(), TracerFields()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace proxenos::config
