// Permissions and principals, kind by kind.
#include "source/rbac/rules_config.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/rbac/principals/mtls_authenticated/v3/mtls_authenticated.pb.h"
#include "source/cel/expression_config.h"
#include "source/config/typed_config.h"
#include "source/match/match_config.h"
#include "source/match/value_matcher_config.h"
#include "source/route/matcher_config.h"

namespace proxenos::rbac {
namespace {

using envoy::config::rbac::v3::MetadataSource;
using envoy::config::rbac::v3::Permission;
using envoy::config::rbac::v3::Principal;
using RbacProto = envoy::config::rbac::v3::RBAC;
using config::Errors;
using config::Path;
using Compiled = std::optional<Condition>;

template <typename Function, typename Matcher>
Compiled Wrap(Function make, std::optional<Matcher> matcher) {
  if (!matcher) return std::nullopt;
  return make(*std::move(matcher));
}

// What permissions and principals have in common.
class RulesCompiler {
 public:
  RulesCompiler(Subject subject, Errors& errors) : subject_(subject), errors_(errors) {}

  // Each is nothing, with an error, where something in it is wrong.
  Compiled Compile(const Permission& proto, const Path& path);
  Compiled Compile(const Principal& proto, const Path& path);
  template <typename Protos>
  std::optional<std::vector<Condition>> CompileEach(const Protos& protos, const Path& path) {
    std::vector<Condition> conditions;
    for (int i = 0; i < protos.size(); ++i) {
      Compiled one = Compile(protos[i], path.Index(static_cast<size_t>(i)));
      if (one) conditions.push_back(*std::move(one));
    }
    if (conditions.size() != static_cast<size_t>(protos.size())) return std::nullopt;
    return conditions;
  }

 private:
  Compiled Header(const envoy::config::route::v3::HeaderMatcher& proto, const Path& path) {
    if (!OfRequest(path)) return std::nullopt;
    return Wrap(Condition::Header, route::CompileHeaderMatcher(proto, errors_, path));
  }
  Compiled UrlPath(const envoy::type::matcher::v3::PathMatcher& proto, const Path& path) {
    if (!OfRequest(path)) return std::nullopt;
    return Wrap(Condition::Path,
                match::CompileStringMatcher(proto.path(), errors_, path.Field("path")));
  }
  Compiled Range(Condition::Side side, const envoy::config::core::v3::CidrRange& proto,
                 const Path& path) {
    const auto range = match::IpRange::Parse(proto.address_prefix(), proto.prefix_len().value());
    if (range) return Condition::Address(side, *range);
    errors_.Add(path,
                absl::StrCat("value '", proto.address_prefix(), "/", proto.prefix_len().value(),
                             "': expected an IP address and no more bits than it has"));
    return std::nullopt;
  }
  Compiled Metadata(const envoy::type::matcher::v3::MetadataMatcher& proto, bool of_route,
                    const Path& path) {
    auto matcher = match::CompileMetadataMatcher(proto, errors_, path);
    if (!OfRequest(path) || !matcher) return std::nullopt;
    return Condition::Metadata(*std::move(matcher), of_route);
  }
  Compiled State(const envoy::type::matcher::v3::FilterStateMatcher& proto, const Path& path);
  Compiled Custom(const google::protobuf::Any& config, const Path& path);
  bool OfRequest(const Path& path) {
    if (subject_ == Subject::kRequest) return true;
    errors_.Add(path, "a connection has no such thing: write this in the HTTP filter of that name");
    return false;
  }
  Compiled Unknown(const Path& path, const std::string& field) {
    errors_.Add(path.Field(field), "is not implemented by proxenos");
    return std::nullopt;
  }

  const Subject subject_;
  Errors& errors_;
};

Compiled RulesCompiler::State(const envoy::type::matcher::v3::FilterStateMatcher& proto,
                              const Path& path) {
  if (proto.has_string_match()) {
    auto text =
        match::CompileStringMatcher(proto.string_match(), errors_, path.Field("string_match"));
    if (!OfRequest(path) || !text) return std::nullopt;
    return Condition::FilterState(proto.key(), *std::move(text));
  }
  const auto& ranges = proto.address_match().ranges();
  std::vector<Condition> each;
  for (int i = 0; i < ranges.size(); ++i) {
    const auto range =
        match::IpRange::Parse(ranges[i].address_prefix(), ranges[i].prefix_len().value());
    if (range) {
      each.push_back(Condition::FilterState(proto.key(), *range));
      continue;
    }
    errors_.AddValue(path.Field("address_match").Field("ranges").Index(static_cast<size_t>(i)),
                     ranges[i].address_prefix(), "an IP address and no more bits than it has");
  }
  if (!OfRequest(path) || each.size() != static_cast<size_t>(ranges.size())) return std::nullopt;
  Condition any = Condition::OneOf(std::move(each));
  if (!proto.address_match().invert_match()) return any;
  return Condition::Not(std::move(any));
}

// Principals of other kinds than the API's own: a client certificate that was validated.
Compiled RulesCompiler::Custom(const google::protobuf::Any& config, const Path& path) {
  using SanMatcher = envoy::extensions::transport_sockets::tls::v3::SubjectAltNameMatcher;
  envoy::extensions::rbac::principals::mtls_authenticated::v3::Config proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors_)) return std::nullopt;
  if (!proto.has_san_matcher()) {
    if (proto.any_validated_client_certificate()) return Condition::Validated();
    errors_.Add(path, "expected san_matcher or any_validated_client_certificate");
    return std::nullopt;
  }
  const Path at = path.Field("san_matcher");
  auto name =
      match::CompileStringMatcher(proto.san_matcher().matcher(), errors_, at.Field("matcher"));
  if (!name) return std::nullopt;
  switch (proto.san_matcher().san_type()) {
    case SanMatcher::URI:
      return Condition::Validated(Condition::San::kUri, *std::move(name));
    case SanMatcher::DNS:
      return Condition::Validated(Condition::San::kDns, *std::move(name));
    case SanMatcher::EMAIL:
      return Condition::Validated(Condition::San::kEmail, *std::move(name));
    case SanMatcher::IP_ADDRESS:
      return Condition::Validated(Condition::San::kIp, *std::move(name));
    default:
      errors_.Add(at.Field("san_type"), "expected one of URI, DNS, EMAIL, IP_ADDRESS");
      return std::nullopt;
  }
}

Compiled RulesCompiler::Compile(const Permission& proto, const Path& path) {
  using Side = Condition::Side;
  switch (proto.rule_case()) {
    case Permission::kAndRules:
      return Wrap(Condition::All,
                  CompileEach(proto.and_rules().rules(), path.Field("and_rules").Field("rules")));
    case Permission::kOrRules:
      return Wrap(Condition::OneOf,
                  CompileEach(proto.or_rules().rules(), path.Field("or_rules").Field("rules")));
    case Permission::kNotRule:
      return Wrap(Condition::Not, Compile(proto.not_rule(), path.Field("not_rule")));
    case Permission::kAny:
      return Condition::Any();
    case Permission::kHeader:
      return Header(proto.header(), path.Field("header"));
    case Permission::kUrlPath:
      return UrlPath(proto.url_path(), path.Field("url_path"));
    case Permission::kDestinationIp:
      return Range(Side::kDestination, proto.destination_ip(), path.Field("destination_ip"));
    case Permission::kDestinationPort:
      return Condition::DestinationPort(proto.destination_port(), proto.destination_port());
    case Permission::kDestinationPortRange: {
      // [start, end)
      const auto& range = proto.destination_port_range();
      if (range.start() < 0 || range.end() <= range.start()) {
        errors_.Add(path.Field("destination_port_range"), "expected a start that is below the end");
        return std::nullopt;
      }
      return Condition::DestinationPort(static_cast<uint32_t>(range.start()),
                                        static_cast<uint32_t>(range.end() - 1));
    }
    case Permission::kRequestedServerName:
      return Wrap(Condition::ServerName,
                  match::CompileStringMatcher(proto.requested_server_name(), errors_,
                                              path.Field("requested_server_name")));
    case Permission::kMetadata:
      return Metadata(proto.metadata(), false, path.Field("metadata"));
    case Permission::kMatcher:
      return Unknown(path, "matcher");
    case Permission::kUriTemplate:
      return Unknown(path, "uri_template");
    case Permission::kSourcedMetadata:
      return Metadata(proto.sourced_metadata().metadata_matcher(),
                      proto.sourced_metadata().metadata_source() == MetadataSource::ROUTE,
                      path.Field("sourced_metadata").Field("metadata_matcher"));
    case Permission::RULE_NOT_SET:
      break;
  }
  errors_.Add(path, "expected a rule");
  return std::nullopt;
}

Compiled RulesCompiler::Compile(const Principal& proto, const Path& path) {
  using Side = Condition::Side;
  switch (proto.identifier_case()) {
    case Principal::kAndIds:
      return Wrap(Condition::All,
                  CompileEach(proto.and_ids().ids(), path.Field("and_ids").Field("ids")));
    case Principal::kOrIds:
      return Wrap(Condition::OneOf,
                  CompileEach(proto.or_ids().ids(), path.Field("or_ids").Field("ids")));
    case Principal::kNotId:
      return Wrap(Condition::Not, Compile(proto.not_id(), path.Field("not_id")));
    case Principal::kAny:
      return Condition::Any();
    case Principal::kAuthenticated: {
      if (!proto.authenticated().has_principal_name()) return Condition::Authenticated({});
      const Path at = path.Field("authenticated").Field("principal_name");
      return Wrap(Condition::Authenticated,
                  match::CompileStringMatcher(proto.authenticated().principal_name(), errors_, at));
    }
    case Principal::kSourceIp:
      return Range(Side::kSource, proto.source_ip(), path.Field("source_ip"));
    case Principal::kDirectRemoteIp:
      return Range(Side::kDirectSource, proto.direct_remote_ip(), path.Field("direct_remote_ip"));
    case Principal::kRemoteIp:
      return Range(Side::kRemote, proto.remote_ip(), path.Field("remote_ip"));
    case Principal::kHeader:
      return Header(proto.header(), path.Field("header"));
    case Principal::kUrlPath:
      return UrlPath(proto.url_path(), path.Field("url_path"));
    case Principal::kMetadata:
      return Metadata(proto.metadata(), false, path.Field("metadata"));
    case Principal::kFilterState:
      return State(proto.filter_state(), path.Field("filter_state"));
    case Principal::kSourcedMetadata:
      return Metadata(proto.sourced_metadata().metadata_matcher(),
                      proto.sourced_metadata().metadata_source() == MetadataSource::ROUTE,
                      path.Field("sourced_metadata").Field("metadata_matcher"));
    case Principal::kCustom:
      return Custom(proto.custom().typed_config(), path.Field("custom").Field("typed_config"));
    case Principal::IDENTIFIER_NOT_SET:
      break;
  }
  errors_.Add(path, "expected an identifier");
  return std::nullopt;
}

// Null where the policy has none; nothing, with an error, where it is wrong.
std::optional<std::shared_ptr<const cel::Expression>> CompileCondition(
    const envoy::config::rbac::v3::Policy& policy, Subject subject, const Path& path,
    Errors& errors) {
  std::shared_ptr<const cel::Expression> condition;
  if (!policy.has_condition() && !policy.has_checked_condition()) return condition;
  if (policy.has_condition() && policy.has_checked_condition()) {
    errors.Add(path, "only one of condition and checked_condition may be set");
    return std::nullopt;
  }
  condition = cel::CompileProto(
      policy.has_condition() ? policy.condition() : policy.checked_condition().expr(),
      cel::OptionsOf(policy.cel_config()),
      subject == Subject::kConnection ? cel::Phase::kConnection : cel::Phase::kRequest,
      path.Field(policy.has_condition() ? "condition" : "checked_condition"), errors);
  if (condition == nullptr) return std::nullopt;
  return condition;
}

}  // namespace

Rules::Action ActionOf(RbacProto::Action action) {
  switch (action) {
    case RbacProto::DENY:
      return Rules::Action::kDeny;
    case RbacProto::LOG:
      return Rules::Action::kLog;
    default:
      return Rules::Action::kAllow;
  }
}

std::unique_ptr<Rules> CompileRules(const RbacProto& proto, Subject subject, const Path& path,
                                    Errors& errors) {
  RulesCompiler compiler(subject, errors);
  std::vector<Policy> policies;
  for (const auto& [name, policy] : proto.policies()) {
    const Path at = path.Field("policies").Key(name);
    auto permissions = compiler.CompileEach(policy.permissions(), at.Field("permissions"));
    auto principals = compiler.CompileEach(policy.principals(), at.Field("principals"));
    if (!permissions || !principals) continue;
    auto condition = CompileCondition(policy, subject, at, errors);
    if (!condition) continue;
    policies.push_back({name, Condition::OneOf(*std::move(permissions)),
                        Condition::OneOf(*std::move(principals)), *std::move(condition)});
  }
  if (policies.size() != static_cast<size_t>(proto.policies_size())) return nullptr;
  std::sort(policies.begin(), policies.end(),
            [](const Policy& a, const Policy& b) { return a.name < b.name; });
  return std::make_unique<Rules>(ActionOf(proto.action()), std::move(policies));
}

}  // namespace proxenos::rbac
