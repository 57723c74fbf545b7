// What routes change of the heads that pass: rewrites, and header mutations in both directions.
#pragma once

#include "absl/strings/string_view.h"
#include "source/filter/stream_context.h"
#include "source/route/rewrite.h"

namespace proxenos::filters::router {

// Applies header mutations and rewrites of the stream's route to the request. `tell`: the origin is
// told in x-envoy-* fields what they replaced.
void ChangeRequest(const route::ClusterPick& pick, bool tell, filter::StreamContext& stream);

// Of HostRewrite::kAuto, once the host is known: its name becomes the request's authority.
void ChangeAuthority(absl::string_view name, bool tell, filter::StreamContext& stream);

// Applies the route's header mutations to the response. `weighted` may be null.
void ChangeResponseHeaders(const route::WeightedCluster* weighted, filter::StreamContext& stream);

// Takes out of an interim response what is removed from responses: what the client must not see it
// must not see early.
void StripInformational(const route::WeightedCluster* weighted, const filter::StreamContext& stream,
                        http::HeaderMap& headers);

// The size of a head as Envoy's stats have it: names and values of fields and pseudo-fields.
uint64_t SizeOf(const http::RequestHead& head);
uint64_t SizeOf(const http::ResponseHead& head);

}  // namespace proxenos::filters::router
