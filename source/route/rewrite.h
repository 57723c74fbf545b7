// What a matched route makes of a request: the cluster, the new path and host, the Location of a
// redirect. Order of the router, as in Envoy: PickCluster, header mutations, ApplyHostRewrite,
// ApplyPathRewrite (so that formats of mutations see the original path and host).
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/message.h"
#include "source/route/route.h"

namespace proxenos::route {

struct ClusterPick {
  absl::string_view name;  // Empty: cluster_header names a header that the request lacks.
  uint32_t index = ClusterRef::kDynamic;      // Into RouteTable::cluster_names(), or kDynamic.
  const WeightedCluster* weighted = nullptr;  // The entry chosen, with its own mutations.
};

// REQUIRES: route.forward() != nullptr. The same random always gives the same pick.
ClusterPick PickCluster(const Route& route, const MatchInput& input);

// Rewrites head.path by prefix_rewrite or regex_rewrite, keeping the query; the new path is in the
// head's arena. Returns the path as it was, or an empty view when nothing was rewritten: what
// x-envoy-original-path and %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% are to say.
absl::string_view ApplyPathRewrite(const Route& route, http::RequestHead& head);

// The same by path_rewrite, whose format gave `made`: it takes the place of all but the query. What
// may not stand in a target is percent-encoded; of an empty text nothing becomes.
absl::string_view ReplacePath(absl::string_view made, http::RequestHead& head);

// Sets head.authority by the weighted cluster's or the route's literal, header or path regex.
// Returns the authority as it was when it was rewritten, else an empty view. auto_host_rewrite is
// the router's, once a host is chosen. append_x_forwarded_host is applied here too.
absl::string_view ApplyHostRewrite(const Route& route, const WeightedCluster* cluster,
                                   http::RequestHead& head);
// Replaces the authority, appending the old one to x-forwarded-host where wanted.
void SetAuthority(http::RequestHead& head, absl::string_view authority,
                  bool append_x_forwarded_host);

// The Location of a redirect. `made`: what path_rewrite, if there is one, gave; of an empty text
// nothing becomes. REQUIRES: route.redirect() != nullptr.
std::string RedirectLocation(const Route& route, const MatchInput& input,
                             absl::string_view made = {});

}  // namespace proxenos::route
