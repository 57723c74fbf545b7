// What of access logs, their filters and formats is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> LogFields() {
  return {
      {"envoy.config.accesslog.v3.AccessLog",
       {Use("name filter"),
        Use("typed_config")
            .Only("envoy.extensions.access_loggers.file.v3.FileAccessLog "
                  "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog "
                  "envoy.extensions.access_loggers.stream.v3.StderrAccessLog")}},
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
      {"envoy.config.accesslog.v3.AccessLogFilter",
       {
           Use("status_code_filter duration_filter not_health_check_filter runtime_filter "
               "and_filter or_filter header_filter response_flag_filter grpc_status_filter "
               "log_type_filter traceable_filter"),
           Refuse("metadata_filter", "there is no dynamic metadata yet"),
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
  };
}

}  // namespace proxenos::config
