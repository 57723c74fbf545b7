// The table of all pages.
#include "source/admin/admin_endpoints.h"

#include <string>
#include <utility>

#include "source/admin/pages.h"
#include "source/admin/stats_handler.h"

namespace proxenos::admin {
namespace {

using Handler = absl::AnyInvocable<Response(const Request&)>;

struct Entry {
  const char* path;
  const char* help;
  std::vector<ParamHelp> params;
};

void AddRead(EndpointTable& table, Entry entry, Handler handler) {
  table.Add(Endpoint{.path = entry.path,
                     .method = Endpoint::Method::kRead,
                     .help = entry.help,
                     .params = std::move(entry.params),
                     .handler = std::move(handler)});
}

void AddPost(EndpointTable& table, Entry entry, Handler handler) {
  table.Add(Endpoint{.path = entry.path,
                     .method = Endpoint::Method::kPost,
                     .help = entry.help,
                     .params = std::move(entry.params),
                     .handler = std::move(handler)});
}

Response Ok() { return Response::Text("OK\n"); }

void AddServerPages(EndpointTable& table, AdminSource& source) {
  AddRead(table, {"/ready", "print server state, return 200 if LIVE, otherwise return 503", {}},
          [&source](const Request&) { return ReadyPage(source); });
  AddRead(table, {"/server_info", "print server version/status information", {}},
          [&source](const Request&) { return ServerInfoPage(source); });
  AddRead(table, {"/memory", "print current allocation/heap usage", {}},
          [](const Request&) { return MemoryPage(); });
  AddRead(table, {"/hot_restart_version", "print the hot restart compatibility version", {}},
          [](const Request&) { return Response::Text("disabled"); });
  AddRead(table, {"/cache", "print what HTTP caches hold", {}},
          [](const Request&) { return CachePage(); });
  AddRead(table, {"/runtime", "print runtime values", {}},
          [&source](const Request&) { return RuntimePage(source); });
  AddRead(table, {"/certs", "print certs on machine", {}},
          [&source](const Request&) { return CertsPage(source); });
  AddRead(table,
          {"/ignored_fields", "print configuration fields that are set and have no effect", {}},
          [&source](const Request&) { return IgnoredFieldsPage(source); });
}

void AddConfigPages(EndpointTable& table, AdminSource& source) {
  AddRead(table,
          {"/config_dump",
           "dump current configs",
           {{"resource", "only the entries of this repeated field, such as dynamic_listeners"},
            {"mask", "only these fields; paths with commas between"},
            {"name_regex", "only configurations whose whole name matches (RE2)"},
            {"include_eds", "endpoints too"}}},
          [&source](const Request& request) { return ConfigDumpPage(source, request); });
  AddRead(table,
          {"/clusters",
           "upstream cluster status",
           {{"filter", "only clusters whose name matches somewhere (RE2)"},
            {"format", "one of text, json"}}},
          [&source](const Request& request) { return ClustersPage(source, request); });
  AddRead(table, {"/listeners", "print listener info", {{"format", "one of text, json"}}},
          [&source](const Request& request) { return ListenersPage(source, request); });
}

void AddClientStatus(EndpointTable& table, AdminSource& source) {
  // A method of gRPC that is a POST also where it changes nothing.
  AddPost(
      table,
      {"/v3/discovery:client_status", "what xDS sent and what became of it (CSDS, as JSON)", {}},
      [&source](const Request& request) { return ClientStatusPage(source, request); });
  const std::string service = "/envoy.service.status.v3.ClientStatusDiscoveryService/";
  for (const bool streams : {false, true}) {
    table.AddGrpc(
        {service + (streams ? "StreamClientStatus" : "FetchClientStatus"), streams,
         [&source](const std::string& message) { return ClientStatusCall(source, message); }});
  }
}

void AddActions(EndpointTable& table, AdminSource& source) {
  AddPost(table, {"/quitquitquit", "exit the server", {}}, [&source](const Request&) {
    source.quit();
    return Ok();
  });
  AddPost(table, {"/healthcheck/fail", "cause the server to fail health checks", {}},
          [&source](const Request&) {
            source.set_health_check_failed(true);
            return Ok();
          });
  AddPost(table, {"/healthcheck/ok", "cause the server to pass health checks", {}},
          [&source](const Request&) {
            source.set_health_check_failed(false);
            return Ok();
          });
  AddPost(table, {"/reopen_logs", "reopen access logs", {}}, [&source](const Request&) {
    source.reopen_logs();
    return Ok();
  });
  AddPost(table,
          {"/drain_listeners",
           "drain listeners",
           {{"graceful", "tell connections to end for the drain time, then close the listeners"},
            {"skip_exit", "never close the listeners"},
            {"inboundonly", "only listeners with traffic_direction INBOUND"}}},
          [&source](const Request& request) { return DrainListenersPage(source, request); });
  AddPost(table,
          {"/runtime_modify",
           "Adds or modifies runtime values as passed in query parameters",
           {{"KEY", "what this runtime key is to say; nothing takes it out"}}},
          [&source](const Request& request) { return RuntimeModifyPage(source, request); });
  AddPost(table,
          {"/cache/purge",
           "take responses out of HTTP caches",
           {{"url", "those of this URL"},
            {"prefix", "those of URLs that begin so"},
            {"tag", "those that came with this tag"},
            {"all", "all of them"},
            {"store", "in the store of this name alone"}}},
          [](const Request& request) { return CachePurgePage(request); });
  AddPost(table,
          {"/logging",
           "query/change logging levels",
           {{"level", "the level of all loggers"},
            {"paths", "name1:level1,name2:level2,..."},
            {"NAME", "the level of one logger, by its name"}}},
          [](const Request& request) { return LoggingPage(request); });
}

}  // namespace

void AddEndpoints(EndpointTable& table, AdminSource& source) {
  AddServerPages(table, source);
  AddConfigPages(table, source);
  AddClientStatus(table, source);
  AddActions(table, source);
  AddStatsEndpoints(table, source.registry, source.stat_view);
}

}  // namespace proxenos::admin
