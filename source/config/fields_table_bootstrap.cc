// What of the bootstrap is honoured: start, admin, node, runtime, overload.
#include "source/config/fields_table.h"

namespace proxenos::config {
namespace {

constexpr std::string_view kNobodyKills =
    "nothing ends a process that stands still: have whoever runs it ask /ready";

// Where load or health is reported to.
std::vector<FieldRule> ReportService() {
  return {
      Use("api_type").Only("GRPC DELTA_GRPC"),
      Use("transport_api_version").Only("V3 AUTO"),
      Use("grpc_services"),
      Leave("set_node_on_first_message_only",
            "Load reports always have the node, the messages of health discovery only the first."),
      Leave("rate_limit_settings", "Reports go out at the interval that the service asks for."),
      Refuse("cluster_names", "write grpc_services"),
  };
}

}  // namespace

std::vector<MessageRules> BootstrapFields() {
  return {
      {"envoy.config.bootstrap.v3.Bootstrap",
       {
           Use("node static_resources dynamic_resources admin layered_runtime overload_manager "
               "default_regex_engine listener_manager cluster_manager stats_config"),
           Use("config_sources default_config_source node_context_params"),
           Use("header_prefix").Only("x-envoy"),
           Use("stats_flush_interval stats_server_version_override enable_dispatcher_stats"),
           Leave("stats_flush_on_admin",
                 "Counters are summed when they are read; sinks get them at intervals."),
           Leave("stats_eviction_interval",
                 "It forgets stats that nobody has used for a while of what makes stats out of the "
                 "values of single requests (the stats access logger); there are none such here."),
           Leave("deferred_stat_options",
                 "It saves memory in Envoy; here a stat costs memory only once it is used."),
           Use("watchdog watchdogs"),
           Use("enable_worker_cpu_affinity"),
           Use("default_socket_interface")
               .Only("envoy.extensions.network.socket_interface.default_socket_interface",
                     "there is one kind of sockets"),
           Refuse("fatal_actions", "what a crash leaves behind is for the kernel's core dump"),
           Leave("grpc_async_client_manager_config", "It tunes a cache of Envoy's gRPC clients."),
           Leave("memory_allocator_manager", "It tunes Envoy's memory allocator."),
           Leave("perf_tracing_file_path", "Only Envoy's builds for performance tracing read it."),
           Use("bootstrap_extensions"),
           Use("stats_sinks"),
           Use("application_log_config hds_config"),
           Use("tracing"),
           Refuse("dns_resolution_config use_tcp_for_dns_lookups typed_dns_resolver_config",
                  "write it in the cluster"),
       }},
      {"envoy.config.bootstrap.v3.Watchdogs", {Use("main_thread_watchdog worker_watchdog")}},
      {"envoy.config.bootstrap.v3.Watchdog",
       {
           Leave("miss_timeout megamiss_timeout",
                 "They are when Envoy counts a thread as late; how long turns of the loops take is "
                 "told by enable_dispatcher_stats."),
           Leave("max_kill_timeout_jitter multikill_threshold",
                 "They shape timeouts that are refused."),
           Use("kill_timeout multikill_timeout").Only("{}", kNobodyKills),
           Refuse("actions", kNobodyKills),
       }},
      {"envoy.extensions.network.socket_interface.v3.DefaultSocketInterface",
       {Leave("io_uring_options",
              "It is about io_uring, one way to make system calls; here epoll serves all "
              "sockets.")}},
      {"envoy.config.bootstrap.v3.Bootstrap.default_regex_engine",
       {Use("name"), Use("typed_config").Only("envoy.extensions.regex_engines.v3.GoogleRE2")}},
      {"envoy.config.bootstrap.v3.Bootstrap.listener_manager",
       {Use("name"), Use("typed_config").Only("envoy.config.bootstrap.v3.ListenerManager")}},
      {"envoy.config.bootstrap.v3.Bootstrap.StaticResources", {Use("listeners clusters secrets")}},
      {"envoy.config.bootstrap.v3.Bootstrap.DynamicResources",
       {Use("lds_config cds_config ads_config lds_resources_locator cds_resources_locator")}},
      {"envoy.config.bootstrap.v3.Admin",
       {
           Use("address access_log access_log_path allow_paths socket_options"),
           Leave("profile_path", "There is no profiler that would write there."),
           Leave("ignore_global_conn_limit",
                 "Connections to the admin address are never counted against the limit."),
       }},
      {"envoy.config.bootstrap.v3.ClusterManager.OutlierDetection",
       {Use("event_log_path"),
        Refuse("event_service", "events are written to a file: event_log_path")}},
      {"envoy.config.bootstrap.v3.ClusterManager",
       {
           Use("outlier_detection local_cluster_name load_stats_config"),
           Leave("enable_deferred_cluster_creation",
                 "It saves memory in Envoy; here a worker's part of a cluster is always made when "
                 "it is first used."),
       }},
      {"envoy.config.bootstrap.v3.ClusterManager.load_stats_config", ReportService()},
      {"envoy.config.bootstrap.v3.Bootstrap.hds_config", ReportService()},
      {"envoy.service.health.v3.HealthCheckSpecifier", {Use("cluster_health_checks interval")}},
      {"envoy.service.health.v3.ClusterHealthCheck",
       {Use("cluster_name health_checks locality_endpoints transport_socket_matches "
            "upstream_bind_config")}},
      {"envoy.service.health.v3.LocalityEndpoints", {Use("locality endpoints")}},
      {"envoy.config.bootstrap.v3.ListenerManager", {}},
      {"envoy.config.bootstrap.v3.LayeredRuntime", {Use("layers")}},
      {"envoy.config.bootstrap.v3.RuntimeLayer",
       {Use("name static_layer admin_layer disk_layer rtds_layer")}},
      {"envoy.config.bootstrap.v3.RuntimeLayer.AdminLayer", {}},
      {"envoy.config.bootstrap.v3.RuntimeLayer.DiskLayer",
       {Use("symlink_root subdirectory append_service_cluster")}},
      {"envoy.config.bootstrap.v3.RuntimeLayer.RtdsLayer", {Use("name rtds_config")}},
      {"envoy.service.runtime.v3.Runtime", {Use("name layer")}},
      {"envoy.config.overload.v3.OverloadManager",
       {Use("resource_monitors actions refresh_interval loadshed_points buffer_factory_config")}},
      {"envoy.config.overload.v3.BufferFactoryConfig",
       {Use("minimum_account_to_track_power_of_two")}},
      {"envoy.config.overload.v3.LoadShedPoint", {Use("name triggers")}},
      {"envoy.config.overload.v3.ResourceMonitor",
       {Use("name"),
        Use("typed_config")
            .Only("envoy.extensions.resource_monitors.cgroup_memory.v3.CgroupMemoryConfig "
                  "envoy.extensions.resource_monitors.cpu_utilization.v3.CpuUtilizationConfig "
                  "envoy.extensions.resource_monitors.downstream_connections.v3."
                  "DownstreamConnectionsConfig "
                  "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig "
                  "envoy.extensions.resource_monitors.injected_resource.v3."
                  "InjectedResourceConfig")}},
      {"envoy.extensions.resource_monitors.cgroup_memory.v3.CgroupMemoryConfig",
       {Use("max_memory_bytes")}},
      {"envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig",
       {Use("filename")}},
      {"envoy.extensions.resource_monitors.cpu_utilization.v3.CpuUtilizationConfig", {Use("mode")}},
      {"envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
       {Use("max_heap_size_bytes")}},
      {"envoy.config.overload.v3.OverloadAction",
       {Use("name triggers"), Use("typed_config")
                                  .Only("envoy.config.overload.v3.ScaleTimersOverloadActionConfig "
                                        "envoy.config.overload.v3.ShrinkHeapConfig")}},
      {"envoy.config.overload.v3.ScaleTimersOverloadActionConfig", {Use("timer_scale_factors")}},
      {"envoy.config.overload.v3.ScaleTimersOverloadActionConfig.ScaleTimer",
       {Use("timer min_timeout min_scale")}},
      {"envoy.config.overload.v3.ShrinkHeapConfig",
       {Use("timer_interval"),
        Leave("max_unfreed_memory_bytes", "Everything that is free goes back.")}},
      {"envoy.config.overload.v3.Trigger", {Use("name threshold scaled")}},
      {"envoy.config.overload.v3.ThresholdTrigger", {Use("value")}},
      {"envoy.config.overload.v3.ScaledTrigger", {Use("scaling_threshold saturation_threshold")}},
      {"envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
       {Use("max_active_downstream_connections")}},
      {"envoy.config.metrics.v3.StatsConfig",
       {Use("use_all_default_tags stats_tags stats_matcher histogram_bucket_settings")}},
      {"envoy.config.metrics.v3.HistogramBucketSettings",
       {Use("match buckets"),
        Leave("bins", "A histogram here takes memory for what it has recorded alone.")}},
      {"envoy.config.metrics.v3.StatsSink",
       {Use("name"),
        Use("typed_config")
            .Only("envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig "
                  "envoy.config.metrics.v3.StatsdSink envoy.config.metrics.v3.DogStatsdSink "
                  "envoy.extensions.stat_sinks.graphite_statsd.v3.GraphiteStatsdSink "
                  "envoy.config.metrics.v3.MetricsServiceConfig",
                  "stats are sent by one of these, or read at /stats/prometheus")}},
      {"envoy.config.metrics.v3.StatsdSink", {Use("address tcp_cluster_name prefix")}},
      {"envoy.config.metrics.v3.DogStatsdSink", {Use("address prefix max_bytes_per_datagram")}},
      {"envoy.extensions.stat_sinks.graphite_statsd.v3.GraphiteStatsdSink",
       {Use("address prefix max_bytes_per_datagram")}},
      {"envoy.config.metrics.v3.MetricsServiceConfig",
       {Use("grpc_service report_counters_as_deltas emit_tags_as_labels histogram_emit_mode "
            "batch_size"),
        Use("transport_api_version")
            .Only("V3 AUTO", "V2 is no longer spoken by anybody: write V3")}},
      {"envoy.config.metrics.v3.MetricsServiceConfig.grpc_service",
       {Use("envoy_grpc google_grpc initial_metadata retry_policy"),
        Leave("timeout", "Stats are sent over one stream, which lasts.")}},
      {"envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig",
       {Use("grpc_service report_counters_as_deltas report_histograms_as_deltas "
            "emit_tags_as_attributes use_tag_extracted_name prefix resource_detectors "
            "max_data_points_per_request"),
        Refuse("http_service", "write grpc_service"),
        Refuse("custom_metric_conversions", "write stats_config.stats_matcher and stats_tags")}},
      {"envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig.grpc_service",
       {Use("envoy_grpc google_grpc timeout initial_metadata retry_policy")}},
      {"envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig.resource_detectors",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
                               "StaticConfigResourceDetectorConfig "
                               "envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
                               "EnvironmentResourceDetectorConfig")}},
      {"envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
       "StaticConfigResourceDetectorConfig",
       {Use("attributes")}},
      {"envoy.extensions.tracers.opentelemetry.resource_detectors.v3."
       "EnvironmentResourceDetectorConfig",
       {}},
      {"envoy.config.metrics.v3.TagSpecifier", {Use("tag_name regex fixed_value")}},
      {"envoy.config.metrics.v3.StatsMatcher", {Use("reject_all exclusion_list inclusion_list")}},
      {"envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig", {Use("log_format")}},
      {"envoy.config.bootstrap.v3.Bootstrap.ApplicationLogConfig.LogFormat",
       {Use("json_format text_format")}},
      {"envoy.extensions.regex_engines.v3.GoogleRE2", {}},
  };
}

}  // namespace proxenos::config
