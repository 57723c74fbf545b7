// Preflights and allowed origins.
#include "source/filters/http/cors/filter.h"

#include "source/filter/filter_override.h"

namespace proxenos::filters::cors {
namespace {

using filter::Verdict;
using http::HeaderId;

// Deprecated fields of virtual hosts and routes stand under the empty name.
const route::FilterName& FieldName() {
  static const route::FilterName* const name = new route::FilterName("");
  return *name;
}

absl::string_view Value(const http::HeaderMap& headers, absl::string_view name) {
  const http::Header* header = headers.Find(name);
  return header == nullptr ? absl::string_view() : header->value();
}

}  // namespace

void Cors::FindPolicies() {
  const auto collect = [this](const route::FilterOverride& one) {
    if (one.kind == factory_.override_kind && one.settings != nullptr) {
      policies_.push_back(static_cast<const CorsPolicy*>(one.settings.get()));
    }
    return true;
  };
  filter::ForEachOverride(stream_, factory_.name, collect);
  if (policies_.empty()) filter::ForEachOverride(stream_, FieldName(), collect);
}

absl::string_view Cors::Text(std::string CorsPolicy::*field) const {
  for (const CorsPolicy* policy : policies_) {
    if (!(policy->*field).empty()) return policy->*field;
  }
  return absl::string_view();
}

bool Cors::Flag(std::optional<bool> CorsPolicy::*field, bool otherwise) const {
  for (const CorsPolicy* policy : policies_) {
    if ((policy->*field).has_value()) return *(policy->*field);
  }
  return otherwise;
}

bool Cors::IsAllowed(absl::string_view origin) const {
  for (const CorsPolicy* policy : policies_) {
    if (policy->allow_origins.empty()) continue;
    for (const match::StringMatcher& matcher : policy->allow_origins) {
      if (matcher.Matches("*") || matcher.Matches(origin)) return true;
    }
    return false;
  }
  return false;
}

Verdict Cors::OnRequestHeaders(http::RequestHead& head, bool) {
  if (stream_.route == nullptr || stream_.route->forward() == nullptr) return Verdict::kContinue;
  FindPolicies();
  if (policies_.empty()) return Verdict::kContinue;
  const runtime::Snapshot* runtime = stream_.environment.runtime;
  const bool enabled = policies_[0]->enabled.Holds(runtime, stream_.random);
  if (!enabled && !policies_[0]->shadow.Holds(runtime, stream_.random)) return Verdict::kContinue;
  const absl::string_view origin = head.headers.Get(HeaderId::kOrigin);
  if (origin.empty()) return Verdict::kContinue;
  // Whoever sends two is no browser, and which one the origin goes by is unknown.
  const bool allowed = head.headers.Count(HeaderId::kOrigin) == 1 && IsAllowed(origin);
  if (part_ != nullptr) {
    (allowed ? part_->stats->origin_valid : part_->stats->origin_invalid).Inc();
  }
  if (!enabled) return Verdict::kContinue;
  if (allowed) origin_ = origin;
  if (head.method != http::Method::kOptions ||
      Value(head.headers, "access-control-request-method").empty()) {
    return Verdict::kContinue;
  }
  if (origin_.empty() && Flag(&CorsPolicy::forward_not_matching_preflights, true)) {
    return Verdict::kContinue;
  }
  AnswerPreflight(head);
  return Verdict::kReplied;
}

// A list, or "*": whatever was asked for.
void Cors::Allow(absl::string_view name, std::string CorsPolicy::*field,
                 absl::string_view asked_by) {
  absl::string_view allowed = Text(field);
  if (allowed == "*") allowed = Value(stream_.request.headers, asked_by);
  if (!allowed.empty()) stream_.response.headers.AddView(HeaderId::kUnknown, name, allowed);
}

void Cors::AnswerPreflight(const http::RequestHead& head) {
  stream_.Reply(200, "", "cors_response", 0);
  stream_.KeepReply();
  http::HeaderMap& headers = stream_.response.headers;
  // OnResponseHeaders adds the origin, the credentials and the exposed headers.
  Allow("access-control-allow-methods", &CorsPolicy::allow_methods,
        "access-control-request-method");
  Allow("access-control-allow-headers", &CorsPolicy::allow_headers,
        "access-control-request-headers");
  const absl::string_view max_age = Text(&CorsPolicy::max_age);
  if (!max_age.empty()) {
    headers.AddView(HeaderId::kUnknown, "access-control-max-age", max_age);
  }
  if (Flag(&CorsPolicy::allow_private_network_access, false) &&
      Value(head.headers, "access-control-request-private-network") == "true") {
    headers.AddView(HeaderId::kUnknown, "access-control-allow-private-network", "true");
  }
}

Verdict Cors::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (origin_.empty()) return Verdict::kContinue;
  head.headers.Set("access-control-allow-origin", origin_);
  if (Flag(&CorsPolicy::allow_credentials, false)) {
    head.headers.Set("access-control-allow-credentials", "true");
  }
  const absl::string_view exposed = Text(&CorsPolicy::expose_headers);
  if (!exposed.empty()) head.headers.Set("access-control-expose-headers", exposed);
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::cors
