// InternalRedirectPolicy: which redirects of hosts the proxy follows itself.
//
// Owner: the route's Forward. Thread: any (immutable).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace proxenos::route {

struct InternalRedirectPolicy {
  // Of one request, whatever routes they come from.
  uint32_t max_redirects = 1;
  std::vector<uint16_t> statuses{302};
  bool allow_cross_scheme = false;
  std::vector<std::string> copied_headers;  // Of the response, in lower case.

  // Predicates of the route that a redirect leads to. All must hold.
  bool avoids_previous_routes = false;  // previous_routes
  bool safe_scheme_only = false;        // safe_cross_scheme
  // allow_listed_routes: each list has to name it.
  std::vector<std::vector<std::string>> allowed_routes;
  // filter_state: what "true" allows.
  struct StateGate {
    std::string key;
    bool if_absent = false;
  };
  std::vector<StateGate> state_gates;

  bool Lists(const std::string& route) const {
    return std::all_of(allowed_routes.begin(), allowed_routes.end(), [&route](const auto& names) {
      return std::find(names.begin(), names.end(), route) != names.end();
    });
  }
  bool Covers(uint16_t status) const {
    return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
  }
};

}  // namespace proxenos::route
