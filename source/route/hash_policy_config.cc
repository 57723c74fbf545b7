// Reading of hash policies.
#include "source/route/hash_policy_config.h"

#include <optional>
#include <string>
#include <utility>

#include "source/match/match_config.h"

namespace proxenos::route {
namespace {

using HashPolicyProto = envoy::config::route::v3::RouteAction::HashPolicy;

void SetHeader(const HashPolicyProto::Header& proto, config::Errors& errors,
               const config::Path& path, HashPolicy& policy) {
  policy.kind = HashPolicy::Kind::kHeader;
  policy.field = FieldName(proto.header_name());
  if (!proto.has_regex_rewrite()) return;
  const config::Path field = path.Field("regex_rewrite");
  policy.pattern =
      match::CompileRegex(proto.regex_rewrite().pattern(), errors, field.Field("pattern"));
  policy.substitution = proto.regex_rewrite().substitution();
  if (!policy.pattern.has_value()) return;
  const absl::Status fits = policy.pattern->CheckSubstitution(policy.substitution);
  if (!fits.ok()) errors.AddLines(field.Field("substitution"), fits);
}

void SetCookie(const HashPolicyProto::Cookie& proto, config::Errors& errors,
               const config::Path& path, HashPolicy& policy) {
  policy.kind = HashPolicy::Kind::kCookie;
  policy.name = proto.name();
  policy.path = proto.path();
  if (proto.has_ttl()) {
    if (proto.ttl().seconds() < 0 || proto.ttl().nanos() < 0) {
      errors.Add(path.Field("ttl"), "expected a duration that is not negative");
    }
    policy.ttl = proto.ttl().seconds() * base::kSecond + proto.ttl().nanos();
  }
  for (const auto& attribute : proto.attributes()) {
    policy.attributes.emplace_back(attribute.name(), attribute.value());
  }
  // What is said to clients must stay one field.
  const std::string bad("\0\r\n;", 4);
  if (policy.name.find_first_of(bad) != std::string::npos ||
      policy.path.find_first_of(bad) != std::string::npos) {
    errors.Add(path, "name and path may not hold NUL, CR, LF or ';'");
  }
}

}  // namespace

std::vector<HashPolicy> CompileHashPolicies(
    const google::protobuf::RepeatedPtrField<HashPolicyProto>& protos, config::Errors& errors,
    const config::Path& path) {
  std::vector<HashPolicy> policies;
  for (int i = 0; i < protos.size(); ++i) {
    const config::Path at = path.Index(static_cast<size_t>(i));
    HashPolicy policy;
    policy.terminal = protos[i].terminal();
    switch (protos[i].policy_specifier_case()) {
      case HashPolicyProto::kHeader:
        SetHeader(protos[i].header(), errors, at.Field("header"), policy);
        break;
      case HashPolicyProto::kCookie:
        SetCookie(protos[i].cookie(), errors, at.Field("cookie"), policy);
        break;
      case HashPolicyProto::kConnectionProperties:
        if (!protos[i].connection_properties().source_ip()) continue;
        policy.kind = HashPolicy::Kind::kSourceIp;
        break;
      case HashPolicyProto::kQueryParameter:
        policy.kind = HashPolicy::Kind::kQueryParameter;
        policy.name = protos[i].query_parameter().name();
        break;
      case HashPolicyProto::kFilterState:
        policy.kind = HashPolicy::Kind::kFilterState;
        policy.name = protos[i].filter_state().key();
        break;
      case HashPolicyProto::POLICY_SPECIFIER_NOT_SET:
        errors.Add(at,
                   "one of header, cookie, connection_properties, query_parameter, "
                   "filter_state is required");
        continue;
    }
    policies.push_back(std::move(policy));
  }
  return policies;
}

}  // namespace proxenos::route
