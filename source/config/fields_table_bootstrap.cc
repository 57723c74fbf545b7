// What of the bootstrap is honoured: start, admin, node, runtime, overload.
#include "source/config/fields_table.h"

namespace proxenos::config {

std::vector<MessageRules> BootstrapFields() {
  return {
      {"envoy.config.bootstrap.v3.Bootstrap",
       {
           Use("node static_resources dynamic_resources admin layered_runtime overload_manager "
               "default_regex_engine listener_manager cluster_manager stats_config"),
           Use("header_prefix").Only("x-envoy"),
           Use("stats_flush_interval stats_server_version_override enable_dispatcher_stats"),
           Leave("stats_flush_on_admin",
                 "Nothing is pushed to a stats sink; counters are summed when they are read."),
           Leave("deferred_stat_options",
                 "It saves memory in Envoy; here a stat costs memory only once it is used."),
           Leave("watchdog watchdogs",
                 "They watch for threads stuck on locks; the workers here take none."),
           Leave("grpc_async_client_manager_config", "It tunes a cache of Envoy's gRPC clients."),
           Leave("memory_allocator_manager", "It tunes Envoy's memory allocator."),
           Leave("perf_tracing_file_path", "Only Envoy's builds for performance tracing read it."),
           Use("bootstrap_extensions"),
           Refuse("stats_sinks", "read /stats/prometheus instead"),
           Refuse("application_log_config", "write --log-format instead"),
           Refuse("tracing", "there is no tracing yet"),
           Refuse("hds_config", "there is no health discovery"),
           Refuse("dns_resolution_config use_tcp_for_dns_lookups typed_dns_resolver_config",
                  "write it in the cluster"),
       }},
      {"envoy.config.bootstrap.v3.Bootstrap.default_regex_engine",
       {Use("name"), Use("typed_config").Only("envoy.extensions.regex_engines.v3.GoogleRE2")}},
      {"envoy.config.bootstrap.v3.Bootstrap.listener_manager",
       {Use("name"), Use("typed_config").Only("envoy.config.bootstrap.v3.ListenerManager")}},
      {"envoy.config.bootstrap.v3.Bootstrap.StaticResources", {Use("listeners clusters secrets")}},
      {"envoy.config.bootstrap.v3.Bootstrap.DynamicResources",
       {Use("lds_config cds_config ads_config")}},
      {"envoy.config.bootstrap.v3.Admin",
       {
           Use("address access_log access_log_path allow_paths"),
           Leave("profile_path", "There is no profiler that would write there."),
           Leave("ignore_global_conn_limit",
                 "Connections to the admin address are never counted against the limit."),
       }},
      {"envoy.config.bootstrap.v3.ClusterManager.OutlierDetection",
       {Use("event_log_path"),
        Refuse("event_service", "events are written to a file: event_log_path")}},
      {"envoy.config.bootstrap.v3.ClusterManager",
       {
           Use("outlier_detection"),
           Leave("enable_deferred_cluster_creation",
                 "It saves memory in Envoy; here a worker's part of a cluster is always made when "
                 "it is first used."),
           Refuse("load_stats_config", "there are no load reports yet"),
           Refuse("local_cluster_name", "it turns zone-aware routing on, which does not exist yet"),
       }},
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
       {
           Use("resource_monitors"),
           Leave("refresh_interval",
                 "The one monitor that is implemented acts at once, not at intervals."),
       }},
      {"envoy.config.overload.v3.ResourceMonitor",
       {Use("name"), Use("typed_config")
                         .Only("envoy.extensions.resource_monitors.downstream_connections.v3."
                               "DownstreamConnectionsConfig")}},
      {"envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
       {Use("max_active_downstream_connections")}},
      {"envoy.config.metrics.v3.StatsConfig",
       {Use("use_all_default_tags")
            .Only("true", "the tags that Envoy has by default always apply")}},
      {"envoy.extensions.regex_engines.v3.GoogleRE2", {}},
  };
}

}  // namespace proxenos::config
