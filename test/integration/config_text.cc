// Bootstraps for integration tests.
#include "test/integration/config_text.h"

#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace proxenos::testing {
namespace {

constexpr char kBootstrap[] = R"(
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: main
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config: {
          "@type": TYPE_OF_MANAGER,
          stat_prefix: main,
          route_config: {name: local, virtual_hosts: [VIRTUAL_HOSTS]},
          http_filters: [FILTERS{name: envoy.filters.http.router, typed_config: {
            "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router, ROUTER}}],
          MANAGER}
)";

constexpr char kManagerType[] =
    "type.googleapis.com/"
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

// "more" as the tail of a flow mapping.
std::string Tail(absl::string_view more) { return more.empty() ? "" : absl::StrCat(", ", more); }

}  // namespace

std::string Bootstrap(const ConfigText& text) {
  const std::string routes = text.routes.empty() ? RouteText("/", "origin") : text.routes;
  const std::string hosts =
      text.virtual_hosts.empty()
          ? absl::StrCat("{name: all, domains: [\"*\"], routes: [", routes, "]}")
          : text.virtual_hosts;
  const std::string filters = text.filters.empty() ? "" : absl::StrCat(text.filters, ", ");
  std::string result = absl::StrReplaceAll(kBootstrap, {{"VIRTUAL_HOSTS", hosts},
                                                        {"ROUTER", text.router},
                                                        {"FILTERS", filters},
                                                        {"TYPE_OF_MANAGER", kManagerType},
                                                        {"MANAGER", text.manager}});
  if (!text.listener.empty()) absl::StrAppend(&result, "    ", text.listener, "\n");
  if (!text.clusters.empty()) absl::StrAppend(&result, "  clusters: [", text.clusters, "]\n");
  return absl::StrCat(result, text.bootstrap, "\n");
}

std::string ClusterText(absl::string_view name, const std::vector<uint16_t>& ports,
                        absl::string_view more) {
  std::string endpoints;
  for (const uint16_t port : ports) {
    absl::StrAppend(&endpoints, endpoints.empty() ? "" : ", ",
                    "{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: ", port,
                    "}}}}");
  }
  return absl::StrCat("{name: ", name,
                      ", connect_timeout: 5s, load_assignment: {cluster_name: ", name,
                      ", endpoints: [{lb_endpoints: [", endpoints, "]}]}", Tail(more), "}");
}

std::string RouteText(absl::string_view prefix, absl::string_view cluster,
                      absl::string_view action) {
  return absl::StrCat("{match: {prefix: \"", prefix, "\"}, route: {cluster: ", cluster,
                      Tail(action), "}}");
}

std::string FilterText(absl::string_view name, absl::string_view type, absl::string_view fields) {
  return absl::StrCat(
      "{name: envoy.filters.http.", name,
      ", typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.", name,
      ".v3.", type, Tail(fields), "}}");
}

std::string FileLogText(absl::string_view path, absl::string_view format) {
  return absl::StrCat(
      "{name: file, typed_config: {\"@type\": "
      "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: \"",
      path, "\", log_format: {text_format_source: {inline_string: \"", format, "\"}}}}");
}

std::string PageYaml(const char* page, absl::string_view part) {
  constexpr absl::string_view kFence = "```";
  std::ifstream file(page);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::vector<absl::string_view> blocks = absl::StrSplit(text, kFence);
  for (size_t i = 1; i < blocks.size(); i += 2) {  // Every other one is between two blocks.
    absl::string_view block = blocks[i];
    if (absl::ConsumePrefix(&block, "yaml\n") && absl::StrContains(block, part)) {
      return std::string(block);
    }
  }
  return "";
}

}  // namespace proxenos::testing
