// Looking, waiting, and what becomes of it.
#include "source/filters/http/dynamic_forward_proxy/filter.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/route/rewrite.h"
#include "source/upstream/host_source.h"

namespace proxenos::filters::dynamic_forward_proxy {
namespace {

using filter::Direction;
using filter::Verdict;
using upstream::NameState;

// What other filters may say, and what this one tells; the names are Envoy's.
constexpr absl::string_view kDynamicHost = "envoy.upstream.dynamic_host";
constexpr absl::string_view kDynamicPort = "envoy.upstream.dynamic_port";
constexpr absl::string_view kUpstreamAddress = "envoy.stream.upstream_address";

}  // namespace

DynamicForwardProxy::DynamicForwardProxy(const Settings& settings, const Rewrite* rewrite,
                                         filter::StreamContext& stream)
    : settings_(settings), rewrite_(rewrite), stream_(stream) {}

Verdict DynamicForwardProxy::OnRequestHeaders(http::RequestHead& head, bool) {
  upstream::DynamicHosts* hosts = HostsOfCluster();
  if (hosts == nullptr) return Verdict::kContinue;
  if (hosts->cache().name() != settings_.cache) {
    return Refuse("DNS cache mismatch", "dns_cache_mismatch", 0);
  }
  RewriteAuthority(head);
  const auto name = NameOf(head, hosts->default_port());
  if (!name.has_value()) {
    return Refuse("DNS resolution failure", "dns_resolution_failure{no_such_name}",
                  filter::kDnsResolutionFailed);
  }
  if (const upstream::NameView* known = hosts->Look(*name)) {
    cluster_.reset();
    return Accept(*known) ? Verdict::kContinue : Verdict::kReplied;
  }
  wait_ = hosts->Wait(*name, [this] { stream_.Wake(*this); });
  if (wait_ != nullptr) return Verdict::kPause;
  return Refuse("Dynamic forward proxy pending request overflow",
                "dynamic_forward_proxy_pending_request_overflow", filter::kUpstreamOverflow);
}

upstream::DynamicHosts* DynamicForwardProxy::HostsOfCluster() {
  if (stream_.route == nullptr || stream_.route->forward() == nullptr) return nullptr;
  const route::ClusterPick pick = route::PickCluster(*stream_.route, stream_.match_input());
  cluster_ = stream_.environment.clusters.Find(pick.name);
  upstream::HostSource* source = cluster_ ? cluster_->source() : nullptr;
  return source == nullptr ? nullptr : source->dynamic();
}

void DynamicForwardProxy::RewriteAuthority(http::RequestHead& head) {
  if (rewrite_ == nullptr) return;
  if (!rewrite_->literal.empty()) {
    head.authority = stream_.arena.Copy(rewrite_->literal);
  } else if (!rewrite_->header.empty()) {
    const http::Header* field = head.headers.Find(rewrite_->header);
    if (field != nullptr && !field->value().empty()) head.authority = field->value();
  }
}

std::optional<upstream::DynamicName> DynamicForwardProxy::NameOf(const http::RequestHead& head,
                                                                 uint16_t default_port) {
  const std::string* host = nullptr;
  const std::string* port = nullptr;
  if (settings_.host_from_filter_state) {
    host = stream_.info.state.Find(kDynamicHost);
    port = stream_.info.state.Find(kDynamicPort);
  }
  auto name = upstream::ParseDynamicName(head.authority, default_port);
  if (host != nullptr) {
    const bool ipv6 = host->find(':') != std::string::npos;
    const uint16_t usual = name.has_value() ? name->port : default_port;
    name = upstream::ParseDynamicName(ipv6 ? absl::StrCat("[", *host, "]") : *host, usual);
  }
  uint32_t number = 0;
  if (name.has_value() && port != nullptr && absl::SimpleAtoi(*port, &number) && number != 0 &&
      number <= UINT16_MAX) {
    name->port = static_cast<uint16_t>(number);
  }
  if (name.has_value() && (host != nullptr || port != nullptr)) {
    stream_.info.state.Set(upstream::kDynamicAuthority, name->Key());
  }
  return name;
}

void DynamicForwardProxy::OnWake() {
  if (wait_ == nullptr) return;
  const upstream::NameView known = wait_->Look();
  if (known.state == NameState::kPending) return;
  wait_.reset();
  cluster_.reset();
  if (Accept(known)) stream_.Resume(*this, Direction::kRequest);
}

bool DynamicForwardProxy::Accept(const upstream::NameView& known) {
  if (known.state == NameState::kRefused) {
    Refuse("DNS cache overflow", "dns_cache_overflow", filter::kUpstreamOverflow);
    return false;
  }
  if (known.host == nullptr) {
    Refuse("DNS resolution failure", "dns_resolution_failure", filter::kDnsResolutionFailed);
    return false;
  }
  if (settings_.save_upstream_address) {
    stream_.info.state.Set(kUpstreamAddress, known.host->address().ToString());
  }
  return true;
}

Verdict DynamicForwardProxy::Refuse(absl::string_view body, absl::string_view details,
                                    uint32_t flag) {
  cluster_.reset();
  stream_.Reply(503, body, details, flag);
  return Verdict::kReplied;
}

}  // namespace proxenos::filters::dynamic_forward_proxy
