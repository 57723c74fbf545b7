// HeaderMutationRules to MutationRules.
#pragma once

#include "envoy/config/common/mutation_rules/v3/mutation_rules.pb.h"
#include "source/config/errors.h"
#include "source/filter/mutation_rules.h"
#include "source/match/match_config.h"

namespace proxenos::filter {

inline MutationRules CompileMutationRules(
    const envoy::config::common::mutation_rules::v3::HeaderMutationRules& proto,
    const config::Path& path, config::Errors& errors) {
  MutationRules rules;
  rules.allow_routing = proto.allow_all_routing().value();
  rules.allow_envoy = proto.allow_envoy().value();
  rules.disallow_system = proto.disallow_system().value();
  rules.disallow_all = proto.disallow_all().value();
  rules.disallowed_is_error = proto.disallow_is_error().value();
  if (proto.has_allow_expression()) {
    rules.allowed =
        match::CompileRegex(proto.allow_expression(), errors, path.Field("allow_expression"));
  }
  if (proto.has_disallow_expression()) {
    rules.disallowed =
        match::CompileRegex(proto.disallow_expression(), errors, path.Field("disallow_expression"));
  }
  return rules;
}

}  // namespace proxenos::filter
