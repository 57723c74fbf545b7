// Rules, and what is said to those who do not follow them.
#include "source/filters/http/jwt_authn/filter.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "source/filter/filter_override.h"

namespace proxenos::filters::jwt_authn {
namespace {

using filter::Verdict;

// More of a path would not help anybody to log in.
constexpr size_t kMaxRealmPath = 256;

absl::string_view Value(const http::HeaderMap& headers, absl::string_view name) {
  const http::Header* header = headers.Find(name);
  return header == nullptr ? absl::string_view() : header->value();
}

}  // namespace

void JwtAuthn::RemoveForged(http::HeaderMap& headers) const {
  for (const auto& provider : settings_.providers) {
    if (!provider->forward_payload_header.empty()) {
      headers.Remove(absl::string_view(provider->forward_payload_header));
    }
    for (const Provider::ClaimHeader& claim : provider->claims) {
      headers.Remove(absl::string_view(claim.header));
    }
  }
}

bool JwtAuthn::IsBypassedPreflight(const http::RequestHead& head) const {
  return settings_.bypass_cors_preflight && head.method == http::Method::kOptions &&
         !head.headers.Get(http::HeaderId::kOrigin).empty() &&
         !Value(head.headers, "access-control-request-method").empty();
}

const Requirement* JwtAuthn::FindRequirement(bool* unknown) const {
  *unknown = false;
  const auto* route = filter::FindSettings<RouteSettings>(stream_, factory_);
  if (route != nullptr) {
    if (route->disabled) return nullptr;
    const auto named = settings_.named.find(route->requirement);
    *unknown = named == settings_.named.end();
    return *unknown ? nullptr : named->second.get();
  }
  const route::MatchInput input = stream_.match_input();
  for (const Rule& rule : settings_.rules) {
    if (rule.match.Matches(input)) return rule.requirement.get();
  }
  if (settings_.state_name.empty()) return nullptr;
  const std::string* state = stream_.info.state.Find(settings_.state_name);
  if (state == nullptr) return nullptr;
  const auto chosen = settings_.by_state.find(*state);
  return chosen == settings_.by_state.end() ? nullptr : chosen->second.get();
}

Verdict JwtAuthn::OnRequestHeaders(http::RequestHead& head, bool) {
  RemoveForged(head.headers);
  if (IsBypassedPreflight(head)) {
    part_.stats().cors_preflight_bypassed.Inc();
    return Verdict::kContinue;
  }
  bool unknown = false;
  const Requirement* requirement = FindRequirement(&unknown);
  if (unknown) {
    part_.stats().denied.Inc();
    stream_.Reply(403, "Failed JWT authentication: the route requires what is not configured",
                  "jwt_authn_access_denied{unknown_requirement}", 0);
    return Verdict::kReplied;
  }
  if (requirement == nullptr) {
    part_.stats().allowed.Inc();
    return Verdict::kContinue;
  }
  verification_ = std::make_unique<Verification>(settings_, *requirement, part_, stream_,
                                                 [this] { stream_.Wake(*this); });
  const std::optional<Failure> result = verification_->Run();
  return result.has_value() ? Act(*result) : Verdict::kPause;
}

void JwtAuthn::OnWake() {
  if (verification_ == nullptr) return;
  const std::optional<Failure> result = verification_->Run();
  if (!result.has_value()) return;
  if (Act(*result) == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

void JwtAuthn::OnLocalReply() { verification_.reset(); }

Verdict JwtAuthn::Act(Failure failure) {
  if (failure == Failure::kNone) {
    verification_->Apply();
    part_.stats().allowed.Inc();
  } else {
    Deny(failure);
  }
  verification_.reset();
  return failure == Failure::kNone ? Verdict::kContinue : Verdict::kReplied;
}

void JwtAuthn::Deny(Failure failure) {
  part_.stats().denied.Inc();
  const uint16_t status = failure == Failure::kAudience ? 403 : 401;
  const absl::string_view text = TextOf(failure);
  const absl::string_view details = stream_.arena.Copy(
      absl::StrCat("jwt_authn_access_denied{", absl::StrReplaceAll(text, {{" ", "_"}}), "}"));
  if (settings_.strip_failure_response) return stream_.Reply(status, "", details, 0);
  stream_.Reply(status, text, details, 0);
  const http::RequestHead& head = stream_.request;
  stream_.response.headers.Add(
      http::HeaderId::kWwwAuthenticate,
      absl::StrCat(
          "Bearer realm=\"", head.scheme, "://", head.authority,
          absl::StrReplaceAll(head.path.substr(0, kMaxRealmPath), {{"\"", "%22"}, {"\\", "%5C"}}),
          "\"", failure == Failure::kMissing ? "" : ", error=\"invalid_token\""));
}

}  // namespace proxenos::filters::jwt_authn
