// What of access logs, their filters and formats is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

namespace {

MessageRules LogService(std::string_view field) {
  return {field, {Use("envoy_grpc google_grpc initial_metadata timeout retry_policy")}};
}

}  // namespace

std::vector<MessageRules> LogFields() {
  return {
      {"envoy.config.accesslog.v3.AccessLog",
       {Use("name filter"),
        Use("typed_config")
            .Only("envoy.extensions.access_loggers.file.v3.FileAccessLog "
                  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog "
                  "envoy.extensions.access_loggers.stream.v3.StderrAccessLog "
                  "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig "
                  "envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig "
                  "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
                  "collectors are told by OpenTelemetry's protocol: write "
                  "OpenTelemetryAccessLogConfig")}},
      {"envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig",
       {
           Use("common_config grpc_service http_service log_name"),
           Use("body attributes resource_attributes resource_detectors disable_builtin_labels"),
           Use("buffer_flush_interval buffer_size_bytes stat_prefix formatters"),
           Use("filter_state_objects_to_log"),
           Refuse("custom_tags", "write attributes with formats"),
       }},
      {"envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig."
       "common_config",
       {
           Use("log_name grpc_service buffer_flush_interval buffer_size_bytes "
               "filter_state_objects_to_log grpc_stream_retry_policy"),
           Use("transport_api_version").Only("V3 AUTO"),
           Refuse("custom_tags", "write attributes with formats"),
       }},
      {"envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig."
       "grpc_stream_retry_policy",
       {Use("retry_back_off num_retries retry_on"),
        Refuse("retry_priority retry_host_predicate host_selection_retry_max_attempts",
               "another try goes to the host that the load balancer picks next")}},
      {"envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
       {Use("common_config additional_request_headers_to_log additional_response_headers_to_log "
            "additional_response_trailers_to_log")}},
      {"envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig", {Use("common_config")}},
      {"envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig",
       {
           Use("log_name grpc_service buffer_flush_interval buffer_size_bytes "
               "filter_state_objects_to_log"),
           Use("transport_api_version").Only("V3 AUTO"),
           Leave("grpc_stream_retry_policy",
                 "Each message has a stream of its own; the next one finds the service anew."),
           Refuse("custom_tags", "write additional headers to log, or an OpenTelemetry log"),
       }},
      LogService("envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig."
                 "grpc_service"),
      LogService("envoy.extensions.access_loggers.grpc.v3.CommonGrpcAccessLogConfig.grpc_service"),
      {"envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig."
       "resource_detectors",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
                               "StaticConfigResourceDetectorConfig "
                               "envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
                               "EnvironmentResourceDetectorConfig")}},
      {"opentelemetry.proto.common.v1.KeyValueList", {Use("values")}},
      {"opentelemetry.proto.common.v1.KeyValue", {Use("key value")}},
      {"opentelemetry.proto.common.v1.ArrayValue", {Use("values")}},
      {"opentelemetry.proto.common.v1.AnyValue", {Use("*")}},
      {"envoy.extensions.access_loggers.file.v3.FileAccessLog",
       {Use("path format json_format typed_json_format log_format")}},
      {"envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", {Use("log_format")}},
      {"envoy.extensions.access_loggers.stream.v3.StderrAccessLog", {Use("log_format")}},
      {"envoy.config.core.v3.SubstitutionFormatString",
       {
           Use("text_format json_format text_format_source omit_empty_values formatters "
               "json_format_options"),
           Leave("content_type", "It is about bodies, and access log lines are none."),
       }},
      {"envoy.config.core.v3.JsonFormatOptions",
       {Leave("sort_properties", "Keys are always sorted, as Envoy was seen to do either way.")}},
      {"envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery", {}},
      {"envoy.extensions.formatter.metadata.v3.Metadata", {}},
      {"envoy.config.accesslog.v3.AccessLogFilter",
       {
           Use("status_code_filter duration_filter not_health_check_filter runtime_filter "
               "and_filter or_filter header_filter response_flag_filter grpc_status_filter "
               "log_type_filter traceable_filter metadata_filter extension_filter"),
       }},
      {"envoy.config.accesslog.v3.StatusCodeFilter", {Use("comparison")}},
      {"envoy.config.accesslog.v3.DurationFilter", {Use("comparison")}},
      {"envoy.config.accesslog.v3.ComparisonFilter", {Use("op value")}},
      {"envoy.config.accesslog.v3.NotHealthCheckFilter", {}},
      {"envoy.config.accesslog.v3.RuntimeFilter",
       {Use("runtime_key percent_sampled use_independent_randomness")}},
      {"envoy.config.accesslog.v3.TraceableFilter", {}},
      {"envoy.config.accesslog.v3.AndFilter", {Use("filters")}},
      {"envoy.config.accesslog.v3.OrFilter", {Use("filters")}},
      {"envoy.config.accesslog.v3.HeaderFilter", {Use("header")}},
      {"envoy.config.accesslog.v3.ResponseFlagFilter", {Use("flags")}},
      {"envoy.config.accesslog.v3.GrpcStatusFilter", {Use("statuses exclude")}},
      {"envoy.config.accesslog.v3.LogTypeFilter", {Use("types exclude")}},
      {"envoy.config.accesslog.v3.MetadataFilter", {Use("matcher match_if_key_not_found")}},
      {"envoy.config.accesslog.v3.MetadataFilter.matcher",
       {Use("filter path value"),
        Leave("invert", "Envoy does not ask for it here: what there is has to match.")}},
      {"envoy.config.accesslog.v3.ExtensionFilter",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
                               "write an expression of attributes")}},
  };
}

}  // namespace proxenos::config
