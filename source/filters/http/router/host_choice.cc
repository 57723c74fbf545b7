// Reading of requests, routes and connections.
#include "source/filters/http/router/host_choice.h"

#include <algorithm>

#include "absl/strings/string_view.h"
#include "source/filter/request_hash.h"
#include "source/upstream/host_source.h"
#include "source/upstream/override_host.h"

namespace proxenos::filters::router {
namespace {

bool Hashes(const upstream::ClusterConfig& config) {
  return config.lb_policy == upstream::LbPolicy::kRingHash ||
         config.lb_policy == upstream::LbPolicy::kMaglev;
}

// The text in a place of override_host_sources; empty: there is none.
absl::string_view TextAt(const upstream::OverrideHostPlace& place,
                         const filter::StreamContext& stream) {
  if (!place.header.empty()) {
    const http::Header* field = stream.request.headers.Find(place.header);
    return field == nullptr ? absl::string_view() : field->value();
  }
  const json::Value* value = stream.info.metadata.Find(place.space, place.path);
  const std::string* text = value == nullptr ? nullptr : value->text();
  return text == nullptr ? absl::string_view() : absl::string_view(*text);
}

}  // namespace

upstream::PickRequest HostChoice::Next(const filter::StreamContext& stream,
                                       const route::Forward& forward,
                                       const route::ClusterPick& pick,
                                       const upstream::ClusterConfig& config) {
  upstream::PickRequest request;
  const bool aggregate = config.aggregated != nullptr;  // Its clusters may be of any kind.
  if (Hashes(config) || aggregate) {
    if (!hashed_) SetHash(stream, forward, config);
    request.hash = hash_;
  }
  if (config.original_dst != nullptr) {
    SetDestination(stream, *config.original_dst);
    if (destination_.is_ip()) request.destination = &destination_;
  }
  if (config.dynamic_forward_proxy != nullptr || aggregate) {
    const std::string* other = stream.info.state.Find(upstream::kDynamicAuthority);
    request.authority = other == nullptr ? stream.request.authority : absl::string_view(*other);
  }
  if (config.subsets != nullptr || aggregate) {
    if (const route::MetadataMatch* match = MatchOf(stream, forward, pick)) {
      request.subset = &match->fields;
      request.subset_fallbacks = match->fallbacks;
    }
  }
  SetOverride(stream, config, request);
  if (forward.retry == nullptr || tried_.empty()) return request;
  const route::HostPreferences& prefers = forward.retry->hosts;
  request.attempts = prefers.attempts;
  if (prefers.avoid_previous_hosts) request.avoided = avoided_;
  if (!prefers.avoided_metadata.empty()) request.avoided_metadata = &prefers.avoided_metadata;
  if (prefers.previous_priorities_update != 0) {
    if (tried_.size() % prefers.previous_priorities_update == 0) {
      avoided_priorities_ = tried_priorities_;
    }
    request.avoided_priorities = avoided_priorities_;
  }
  return request;
}

const route::MetadataMatch* HostChoice::MatchOf(const filter::StreamContext& stream,
                                                const route::Forward& forward,
                                                const route::ClusterPick& pick) {
  if (match_ != nullptr) return match_.get();
  const route::MetadataMatch* given =
      (pick.weighted != nullptr ? pick.weighted->metadata_match : forward.metadata_match).get();
  const json::Object* request = stream.info.metadata.Find(route::kLbMetadata);
  if (request == nullptr) return given;
  match_ = std::make_unique<const route::MetadataMatch>(route::MergeMatch(given, *request));
  return match_.get();
}

void HostChoice::SetOverride(const filter::StreamContext& stream,
                             const upstream::ClusterConfig& config,
                             upstream::PickRequest& request) const {
  // A session's host is for the first attempt alone.
  if (tried_.empty()) {
    const std::string* strict = stream.info.state.Find(upstream::kStrictSessionHost);
    const std::string* host =
        strict != nullptr ? strict : stream.info.state.Find(upstream::kSessionHost);
    if (host != nullptr) {
      request.override_hosts = *host;
      request.override_strict = strict != nullptr;
      return;
    }
  }
  if (config.override_host == nullptr) return;
  for (const upstream::OverrideHostPlace& place : config.override_host->sources) {
    request.override_hosts = TextAt(place, stream);
    if (!request.override_hosts.empty()) break;
  }
  // Each retry goes on behind the host that was tried.
  for (const auto& host : tried_) {
    request.override_hosts = upstream::Behind(request.override_hosts, host->address().ToString());
  }
}

void HostChoice::Announce(const upstream::Exchange& exchange, const upstream::ClusterConfig& config,
                          filter::StreamInfo& info) {
  if (config.override_host == nullptr || exchange.host == nullptr) return;
  const upstream::OverrideHostPlace& place = config.override_host->selected;
  if (place.space.empty()) return;
  json::Object* at = &info.metadata.Open(place.space);
  for (size_t i = 0; i + 1 < place.path.size(); ++i) {
    json::Value& next = (*at)[place.path[i]];
    if (next.object() == nullptr) next = json::Value(json::Object());
    at = next.object();
  }
  at->insert_or_assign(place.path.back(), json::Value(exchange.host->address().ToString()));
}

void HostChoice::SetHash(const filter::StreamContext& stream, const route::Forward& forward,
                         const upstream::ClusterConfig& config) {
  hashed_ = true;
  const std::vector<route::HashPolicy>& policies =
      config.hash_policies != nullptr ? *config.hash_policies : forward.hash_policies;
  if (policies.empty()) return;
  hash_ = filter::RequestHash(stream, policies,
                              [this](std::string cookie) { cookie_ = std::move(cookie); });
}

void HostChoice::SetDestination(const filter::StreamContext& stream,
                                const upstream::OriginalDstSettings& settings) {
  if (!settings.header.empty()) {
    if (const http::Header* field = stream.request.headers.Find(settings.header)) {
      destination_ = upstream::ParseHostAddress(field->value());
      return;
    }
  }
  // Only where a listener filter has found it: else it is our own address, and a request would
  // come back to us.
  const filter::ConnectionInfo* connection = stream.info.connection;
  if (connection != nullptr && connection->local_restored) destination_ = connection->local;
}

void HostChoice::Note(const upstream::Exchange& exchange) {
  if (exchange.host == nullptr) return;
  tried_.push_back(exchange.host);
  avoided_.push_back(exchange.host.get());
  if (exchange.priority < 64) tried_priorities_ |= uint64_t{1} << exchange.priority;
}

void HostChoice::AddCookie(http::HeaderMap& headers) const {
  if (!cookie_.empty()) headers.Add("set-cookie", cookie_);
}

}  // namespace proxenos::filters::router
