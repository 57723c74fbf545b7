// What of active health checks and outlier detection is honoured.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> HealthFields() {
  return {
      {"envoy.config.core.v3.HealthCheck",
       {
           Use("timeout interval initial_jitter interval_jitter interval_jitter_percent "
               "unhealthy_threshold healthy_threshold alt_port reuse_connection "
               "no_traffic_interval no_traffic_healthy_interval unhealthy_interval "
               "unhealthy_edge_interval healthy_edge_interval event_log_path event_logger "
               "always_log_health_check_failures always_log_health_check_success "
               "transport_socket_match_criteria tls_options"),
           Use("http_health_check tcp_health_check grpc_health_check"),
           Use("custom_health_check"),
           Refuse("event_service",
                  "no service is told of events: write event_logger, which appends them to a file"),
       }},
      {"envoy.config.core.v3.HealthCheck.TlsOptions", {Use("alpn_protocols")}},
      {"envoy.config.core.v3.HealthCheck.CustomHealthCheck",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.health_checkers.redis.v3.Redis",
                               "others than redis are written as tcp_health_check")}},
      {"envoy.extensions.health_checkers.redis.v3.Redis",
       {Use("key"), Refuse("aws_iam", "checks do not authenticate")}},
      {"envoy.config.core.v3.HealthCheck.HttpHealthCheck",
       {Use("host path send receive response_buffer_size request_headers_to_add "
            "request_headers_to_remove expected_statuses retriable_statuses codec_client_type "
            "service_name_matcher method")}},
      {"envoy.config.core.v3.HealthCheck.TcpHealthCheck",
       {Use("send receive proxy_protocol_config")}},
      {"envoy.config.core.v3.HealthCheck.GrpcHealthCheck",
       {Use("service_name authority initial_metadata")}},
      {"envoy.config.core.v3.HealthCheck.Payload", {Use("text binary")}},
      {"envoy.config.core.v3.HealthCheck.HttpHealthCheck.request_headers_to_add",
       {Use("header append append_action"),
        Leave("keep_empty_value", "A field with an empty value is sent.")}},
      {"envoy.config.core.v3.HealthCheck.GrpcHealthCheck.initial_metadata",
       {Use("header append append_action"),
        Leave("keep_empty_value", "A field with an empty value is sent.")}},
      {"envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink",
       {Use("event_log_path")}},
      {"envoy.config.endpoint.v3.Endpoint.HealthCheckConfig",
       {Use("port_value hostname address disable_active_health_check")}},
      {"envoy.config.cluster.v3.OutlierDetection",
       {
           Use("consecutive_5xx interval base_ejection_time max_ejection_percent "
               "enforcing_consecutive_5xx enforcing_success_rate success_rate_minimum_hosts "
               "success_rate_request_volume success_rate_stdev_factor consecutive_gateway_failure "
               "enforcing_consecutive_gateway_failure split_external_local_origin_errors "
               "consecutive_local_origin_failure enforcing_consecutive_local_origin_failure "
               "enforcing_local_origin_success_rate failure_percentage_threshold "
               "enforcing_failure_percentage enforcing_failure_percentage_local_origin "
               "failure_percentage_minimum_hosts failure_percentage_request_volume "
               "max_ejection_time max_ejection_time_jitter "
               "successful_active_health_check_uneject_host always_eject_one_host"),
           Use("detect_degraded_hosts"),
           Refuse("monitors", "monitors of one's own are not implemented"),
       }},
  };
}

}  // namespace proxenos::config
