// Where a redirect leads, and whether it may.
#include "source/filters/http/router/internal_redirect.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/filters/http/router/redirect_url.h"

namespace proxenos::filters::router {
namespace {

using http::HeaderId;

constexpr absl::string_view kOriginalUrl = "x-envoy-original-url";

// What of a request a redirect changes, to be put back.
class Saved {
 public:
  Saved(const route::InternalRedirectPolicy& policy, filter::StreamContext& stream)
      : request_(stream.request),
        scheme_(request_.scheme),
        authority_(request_.authority),
        path_(request_.path) {
    for (const std::string& name : policy.copied_headers) {
      for (const http::Header& field : request_.headers) {
        if (field.name() == name) fields_.emplace_back(name, std::string(field.value()));
      }
    }
  }

  void PutBack(const route::InternalRedirectPolicy& policy) {
    request_.scheme = scheme_;
    request_.authority = authority_;
    request_.path = path_;
    for (const std::string& name : policy.copied_headers) request_.headers.Remove(name);
    for (const auto& [name, value] : fields_) request_.headers.Add(name, value);
  }
  std::string OriginalUrl() const { return absl::StrCat(scheme_, "://", authority_, path_); }

 private:
  http::RequestHead& request_;
  const absl::string_view scheme_;
  const absl::string_view authority_;
  const absl::string_view path_;
  std::vector<std::pair<absl::string_view, std::string>> fields_;
};

void CopyHeaders(const route::InternalRedirectPolicy& policy, filter::StreamContext& stream) {
  for (const std::string& name : policy.copied_headers) {
    stream.request.headers.Remove(name);
    for (const http::Header& field : stream.response.headers) {
      if (field.name() == name) stream.request.headers.Add(name, field.value());
    }
  }
}

bool MayLeadTo(const route::Route& target, bool to_https,
               const route::InternalRedirectPolicy& policy, const filter::StreamContext& stream,
               bool from_https) {
  if (policy.safe_scheme_only && to_https && !from_https) return false;
  if (!policy.Lists(target.name)) return false;
  for (const auto& gate : policy.state_gates) {
    const std::string* value = stream.info.state.Find(gate.key);
    if (value == nullptr ? !gate.if_absent : *value != "true") return false;
  }
  if (!policy.avoids_previous_routes || stream.internal_redirects == nullptr) return true;
  const auto& steps = stream.internal_redirects->steps;
  return std::none_of(steps.begin(), steps.end(), [&](const auto& step) {
    return step.from == stream.route->name && step.to == target.name;
  });
}

// RFC 9110, section 15.4.4.
void BecomeGet(http::RequestHead& request) {
  request.method = http::Method::kGet;
  request.method_text = "GET";
  request.headers.Remove(HeaderId::kContentLength);
  request.framing = http::Framing();
}

}  // namespace

RedirectOutcome PrepareRedirect(const route::InternalRedirectPolicy& policy,
                                filter::StreamContext& stream) {
  http::RequestHead& request = stream.request;
  const auto url = RedirectUrl::Parse(stream.response.headers.Get(HeaderId::kLocation));
  if (url.kind == RedirectUrl::Kind::kBad) return RedirectOutcome::kBadLocation;
  if (url.kind == RedirectUrl::Kind::kOtherScheme) return RedirectOutcome::kUnsafeScheme;
  const bool from_https = request.scheme == "https";
  if (!policy.allow_cross_scheme && from_https != url.https) return RedirectOutcome::kUnsafeScheme;
  const auto& followed = stream.internal_redirects;
  if (followed != nullptr && followed->steps.size() >= policy.max_redirects) {
    return RedirectOutcome::kTooMany;
  }
  if (policy.max_redirects == 0) return RedirectOutcome::kTooMany;

  Saved saved(policy, stream);
  CopyHeaders(policy, stream);
  request.scheme = url.https ? "https" : "http";
  request.authority = stream.arena.Copy(url.authority);
  request.path =
      stream.arena.Copy(absl::StrCat(absl::StartsWith(url.path, "/") ? "" : "/", url.path));
  const route::Route* target = stream.routes->Match(stream.match_input());
  if (target == nullptr || !MayLeadTo(*target, url.https, policy, stream, from_https)) {
    saved.PutBack(policy);
    return target == nullptr ? RedirectOutcome::kNoRoute : RedirectOutcome::kPredicate;
  }
  if (stream.response.status == 303 && request.method != http::Method::kGet &&
      request.method != http::Method::kHead) {
    BecomeGet(request);
  }
  request.headers.Set(kOriginalUrl, saved.OriginalUrl());
  if (followed == nullptr) {
    stream.internal_redirects = std::make_unique<filter::InternalRedirects>();
  }
  stream.internal_redirects->steps.push_back({stream.route->name, target->name});
  return RedirectOutcome::kFollow;
}

RedirectCounts::RedirectCounts(stats::Registry& registry, std::string stat_prefix)
    : registry_(registry), stat_prefix_(std::move(stat_prefix)) {}

stats::ClusterRedirectStats& RedirectCounts::Of(absl::string_view cluster) {
  auto& group = clusters_[cluster];
  if (!group) group = registry_.Open<stats::ClusterRedirectStats>(stats::ClusterScope(cluster));
  return *group;
}

void RedirectCounts::CountReason(RedirectOutcome outcome) {
  if (!reasons_)
    reasons_ = registry_.Open<stats::HttpRedirectStats>(stats::HttpScope(stat_prefix_));
  switch (outcome) {
    case RedirectOutcome::kFollow:
      return;
    case RedirectOutcome::kBadLocation:
      return reasons_->passthrough_internal_redirect_bad_location.Inc();
    case RedirectOutcome::kUnsafeScheme:
      return reasons_->passthrough_internal_redirect_unsafe_scheme.Inc();
    case RedirectOutcome::kTooMany:
      return reasons_->passthrough_internal_redirect_too_many_redirects.Inc();
    case RedirectOutcome::kNoRoute:
      return reasons_->passthrough_internal_redirect_no_route.Inc();
    case RedirectOutcome::kPredicate:
      return reasons_->passthrough_internal_redirect_predicate.Inc();
  }
}

}  // namespace proxenos::filters::router
