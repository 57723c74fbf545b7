// One rule of the oneof after another.
#include "source/downstream/filter_predicate_config.h"

namespace proxenos::downstream {
namespace {

using Proto = envoy::config::listener::v3::ListenerFilterChainMatchPredicate;
using Kind = FilterPredicate::Kind;

FilterPredicate CompileSet(Kind kind, const Proto::MatchSet& proto, const config::Path& path,
                           config::Errors& errors) {
  FilterPredicate result{kind};
  for (int i = 0; i < proto.rules_size(); ++i) {
    result.of.push_back(CompileFilterPredicate(
        proto.rules(i), path.Field("rules").Index(static_cast<size_t>(i)), errors));
  }
  return result;
}

FilterPredicate CompilePorts(const Proto& proto, const config::Path& path, config::Errors& errors) {
  FilterPredicate result{Kind::kPorts};
  const auto& range = proto.destination_port_range();
  if (range.start() < 0 || range.end() < 0 || range.start() >= range.end()) {
    errors.Add(path, "expected a start below the end, which is not in the range itself");
    return result;
  }
  result.begin = static_cast<uint32_t>(range.start());
  result.end = static_cast<uint32_t>(range.end());
  return result;
}

}  // namespace

FilterPredicate CompileFilterPredicate(const Proto& proto, const config::Path& path,
                                       config::Errors& errors) {
  switch (proto.rule_case()) {
    case Proto::kAnyMatch:
      // Envoy does not look at the value either, of which only true is valid.
      return FilterPredicate{Kind::kAny};
    case Proto::kNotMatch: {
      FilterPredicate result{Kind::kNot};
      result.of.push_back(
          CompileFilterPredicate(proto.not_match(), path.Field("not_match"), errors));
      return result;
    }
    case Proto::kAndMatch:
      return CompileSet(Kind::kAnd, proto.and_match(), path.Field("and_match"), errors);
    case Proto::kOrMatch:
      return CompileSet(Kind::kOr, proto.or_match(), path.Field("or_match"), errors);
    case Proto::kDestinationPortRange:
      return CompilePorts(proto, path.Field("destination_port_range"), errors);
    case Proto::RULE_NOT_SET:
      break;
  }
  errors.Add(path, "expected or_match, and_match, not_match, any_match or destination_port_range");
  return FilterPredicate{Kind::kAny};
}

}  // namespace proxenos::downstream
