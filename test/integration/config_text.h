// Bootstraps for integration tests, put together from the parts that a test is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::testing {

// Each text is YAML in flow style: what stands between the braces or brackets of its place.
struct ConfigText {
  // HttpConnectionManager's fields besides stat_prefix, route_config and http_filters.
  std::string manager{};
  // Virtual hosts; empty: one for "*" with `routes`.
  std::string virtual_hosts{};
  // Routes of that one; empty: all to cluster "origin".
  std::string routes{};
  std::string clusters{};
  // Listener's fields besides name, address and filter_chains.
  std::string listener{};
  // Bootstrap's fields besides admin and static_resources.
  std::string bootstrap{};
  // HTTP filters before the router.
  std::string filters{};
  // Fields of the router filter.
  std::string router{};
};

std::string Bootstrap(const ConfigText& text);

// A static cluster of endpoints on 127.0.0.1; `more` are further fields.
std::string ClusterText(absl::string_view name, const std::vector<uint16_t>& ports,
                        absl::string_view more = "");
// A route of all that begins with `prefix` to a cluster; `action` are further fields of
// RouteAction.
std::string RouteText(absl::string_view prefix, absl::string_view cluster,
                      absl::string_view action = "");
// An HTTP filter "envoy.filters.http.NAME" of envoy.extensions.filters.http.NAME.v3.`type`.
std::string FilterText(absl::string_view name, absl::string_view type, absl::string_view fields);
// An access log to a file; `format` is a text format.
std::string FileLogText(absl::string_view path, absl::string_view format);
// The first block of YAML on a page of the documentation in which `part` stands; empty: none.
std::string PageYaml(const char* page, absl::string_view part = "");

}  // namespace proxenos::testing
