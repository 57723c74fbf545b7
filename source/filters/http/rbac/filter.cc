// Asking the rules.
#include "source/filters/http/rbac/filter.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace proxenos::filters::http_rbac {
namespace {

using filter::Verdict;
using proxenos::rbac::Access;
using proxenos::rbac::Rules;

constexpr absl::string_view kSpace = "envoy.filters.http.rbac";

// By whether it stands before a cluster's hosts (FilterFactory::upstream).
constexpr stats::ScopeShape kScope[] = {
    {"http.$.rbac.", "http.rbac.", {"envoy.http_conn_manager_prefix"}},
    {"cluster.$.rbac.", "cluster.rbac.", {"envoy.cluster_name"}}};
constexpr stats::ScopeShape kNamedScope[] = {
    {"http.$.rbac.$.", "http.rbac.", {"envoy.http_conn_manager_prefix", "envoy.rbac_http_prefix"}},
    {"cluster.$.rbac.$.", "cluster.rbac.", {"envoy.cluster_name", "envoy.rbac_http_prefix"}}};
// With a prefix of the filter's, that is part of the policy's tag.
constexpr stats::ScopeShape kPolicyScope[] = {
    {"http.$.rbac.policy.$.",
     "http.rbac.policy.",
     {"envoy.http_conn_manager_prefix", "envoy.rbac_policy_name"}},
    {"cluster.$.rbac.policy.$.",
     "cluster.rbac.policy.",
     {"envoy.cluster_name", "envoy.rbac_policy_name"}}};
constexpr stats::ScopeShape kNamedPolicyScope[] = {
    {"http.$.rbac.$.",
     "http.rbac.policy.",
     {"envoy.http_conn_manager_prefix", "envoy.rbac_policy_name"}},
    {"cluster.$.rbac.$.",
     "cluster.rbac.policy.",
     {"envoy.cluster_name", "envoy.rbac_policy_name"}}};

stats::ScopeName Scope(bool upstream, const std::string& http, const std::string& prefix) {
  return prefix.empty() ? stats::ScopeName(kScope[upstream], {http})
                        : stats::ScopeName(kNamedScope[upstream], {http, prefix});
}

}  // namespace

RbacPart::RbacPart(stats::Registry& registry, std::string http_prefix, const Settings& settings,
                   bool upstream)
    : registry_(registry),
      upstream_(upstream),
      http_prefix_(std::move(http_prefix)),
      prefix_(settings.enforced.stat_prefix),
      shadow_prefix_(settings.shadow.stat_prefix),
      stats_(registry.Open<RbacStats>(Scope(upstream_, http_prefix_, prefix_))),
      shadow_stats_(
          registry.Open<RbacShadowStats>(Scope(upstream_, http_prefix_, shadow_prefix_))) {}

stats::ScopeName RbacPart::PolicyScope(const std::string& prefix, const std::string& policy) const {
  if (prefix.empty()) return stats::ScopeName(kPolicyScope[upstream_], {http_prefix_, policy});
  const std::string both = absl::StrCat(prefix, ".policy.", policy);
  return stats::ScopeName(kNamedPolicyScope[upstream_], {http_prefix_, both});
}

void RbacPart::CountPolicy(const std::string& policy, bool allowed) {
  auto& group = policies_[policy];
  if (!group) group = registry_.Open<RbacStats>(PolicyScope(prefix_, policy));
  (allowed ? group->allowed : group->denied).Inc();
}

void RbacPart::CountShadowPolicy(const std::string& policy, bool allowed) {
  auto& group = shadow_policies_[policy];
  if (!group) group = registry_.Open<RbacShadowStats>(PolicyScope(shadow_prefix_, policy));
  (allowed ? group->shadow_allowed : group->shadow_denied).Inc();
}

// What is decided, also for access logs and other filters.
Rules::Decision Rbac::Decide(const Judge& judge, const Access& access) {
  const Rules::Decision decision = judge.rules->Decide(access);
  json::Object& kept = stream_.info.metadata.Open(kSpace);
  if (decision.policy != Rules::kNone) {
    kept.insert_or_assign(judge.policy_key, json::Value(judge.rules->name(decision.policy)));
  }
  kept.insert_or_assign(judge.result_key,
                        json::Value(std::string(decision.allowed ? "allowed" : "denied")));
  return decision;
}

Verdict Rbac::OnRequestHeaders(http::RequestHead& head, bool) {
  const filter::ConnectionInfo& connection = *stream_.info.connection;
  Access access{connection,
                stream_.info.remote,
                connection.requested_server_name,
                &head,
                &stream_.info.metadata,
                &stream_.info.state,
                stream_.route == nullptr ? nullptr : stream_.route->metadata.get()};
  access.stream = &stream_.info;
  access.routes = stream_.routes;
  const bool by_policy = part_ != nullptr && settings_.counts_policies;
  if (const Rules* shadow = settings_.shadow.rules.get()) {
    const Rules::Decision decision = Decide(settings_.shadow, access);
    if (part_ != nullptr) part_->CountShadow(decision.allowed);
    if (by_policy && decision.policy != Rules::kNone) {
      part_->CountShadowPolicy(shadow->name(decision.policy), decision.allowed);
    }
  }
  const Rules* rules = settings_.enforced.rules.get();
  if (rules == nullptr) return Verdict::kContinue;
  const Rules::Decision decision = Decide(settings_.enforced, access);
  if (decision.log) {
    stream_.info.metadata.Set("envoy.common", "access_log_hint", json::Value(*decision.log));
  }
  if (part_ != nullptr) part_->Count(decision.allowed);
  if (by_policy && decision.policy != Rules::kNone) {
    part_->CountPolicy(rules->name(decision.policy), decision.allowed);
  }
  if (decision.allowed) return Verdict::kContinue;
  // The rules live as long as the configuration, which the stream may outlive in its log.
  stream_.Reply(403, "RBAC: access denied",
                stream_.arena.Copy(rules->denial_details(decision.policy)), 0);
  return Verdict::kReplied;
}

}  // namespace proxenos::filters::http_rbac
