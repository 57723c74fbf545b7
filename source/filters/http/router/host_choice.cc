// Reading of requests, routes and connections.
#include "source/filters/http/router/host_choice.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "source/upstream/host_source.h"

namespace proxenos::filters::router {
namespace {

bool Hashes(const upstream::ClusterConfig& config) {
  return config.lb_policy == upstream::LbPolicy::kRingHash ||
         config.lb_policy == upstream::LbPolicy::kMaglev;
}

// "10.0.0.1:80" or "[::1]:80"; of no family when it is neither.
net::Address ParseAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  uint32_t port;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > UINT16_MAX) {
    return net::Address();
  }
  absl::string_view ip = text.substr(0, colon);
  if (ip.size() >= 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  auto address = net::Address::FromIp(ip, static_cast<uint16_t>(port));
  return address.ok() ? *address : net::Address();
}

}  // namespace

upstream::PickRequest HostChoice::Next(const filter::StreamContext& stream,
                                       const route::Forward& forward,
                                       const route::ClusterPick& pick,
                                       const upstream::ClusterConfig& config) {
  upstream::PickRequest request;
  const bool aggregate = config.aggregated != nullptr;  // Its clusters may be of any kind.
  if (Hashes(config) || aggregate) {
    if (!hashed_) SetHash(stream, forward);
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

void HostChoice::SetHash(const filter::StreamContext& stream, const route::Forward& forward) {
  hashed_ = true;
  if (forward.hash_policies.empty()) return;
  const auto addresses = [&stream] {
    route::HashAddresses of;
    of.client = stream.info.remote.ToString();
    of.client_ip = stream.info.remote.IpString();
    if (stream.info.connection != nullptr) of.proxy = stream.info.connection->local.ToString();
    return of;
  };
  hash_ = route::HashOf(forward.hash_policies, stream.request, addresses,
                        [this](std::string cookie) { cookie_ = std::move(cookie); });
}

void HostChoice::SetDestination(const filter::StreamContext& stream,
                                const upstream::OriginalDstSettings& settings) {
  if (!settings.header.empty()) {
    if (const http::Header* field = stream.request.headers.Find(settings.header)) {
      destination_ = ParseAddress(field->value());
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
