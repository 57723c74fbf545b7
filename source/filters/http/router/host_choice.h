// HostChoice: what a request asks of balancing: its hash, where its client wanted to go, and which
// hosts a retry would rather not be sent to.
//
// Owner: the Router. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"
#include "source/filter/stream_context.h"
#include "source/net/address.h"
#include "source/route/action.h"
#include "source/route/metadata_match.h"
#include "source/route/rewrite.h"
#include "source/upstream/cluster.h"
#include "source/upstream/exchange.h"
#include "source/upstream/pick_request.h"

namespace proxenos::filters::router {

class HostChoice {
 public:
  // What the next attempt of the stream asks for. What it refers to lives as long as this.
  upstream::PickRequest Next(const filter::StreamContext& stream, const route::Forward& forward,
                             const route::ClusterPick& pick, const upstream::ClusterConfig& config);
  // The host of `exchange` was chosen: where the cluster's policy says so, filters and logs see it.
  static void Announce(const upstream::Exchange& exchange, const upstream::ClusterConfig& config,
                       filter::StreamInfo& info);
  // An attempt was made at the host of `exchange`.
  void Note(const upstream::Exchange& exchange);
  // Of policies by cookie: the response tells the client its cookie.
  void AddCookie(http::HeaderMap& headers) const;

 private:
  // By what the cluster says to hash, else the route.
  void SetHash(const filter::StreamContext& stream, const route::Forward& forward,
               const upstream::ClusterConfig& config);
  // What hosts of the request's subset have; null: anything.
  const route::MetadataMatch* MatchOf(const filter::StreamContext& stream,
                                      const route::Forward& forward,
                                      const route::ClusterPick& pick);
  // Which hosts come before what balancing says.
  void SetOverride(const filter::StreamContext& stream, const upstream::ClusterConfig& config,
                   upstream::PickRequest& request) const;
  void SetDestination(const filter::StreamContext& stream,
                      const upstream::OriginalDstSettings& settings);

  std::optional<uint64_t> hash_;
  bool hashed_ = false;
  std::string cookie_;                                 // Set-Cookie for the response; empty: none.
  std::unique_ptr<const route::MetadataMatch> match_;  // With the request's own; else null.
  net::Address destination_;
  // Those tried, which live as long as they are looked at.
  absl::InlinedVector<std::shared_ptr<const upstream::Host>, 2> tried_;
  absl::InlinedVector<const upstream::Host*, 2> avoided_;
  uint64_t tried_priorities_ = 0;
  uint64_t avoided_priorities_ = 0;  // Of tried ones, as of the last update.
};

}  // namespace proxenos::filters::router
