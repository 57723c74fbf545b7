// Paths, header and query matchers, and what few matches ask besides.
#include "source/route/route_match_config.h"

#include <memory>
#include <utility>

#include "source/match/match_config.h"
#include "source/route/matcher_config.h"
#include "source/route/path_policy_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

// Null where the match asks no more than most do.
std::shared_ptr<const FurtherConditions> CompileFurther(const v3::RouteMatch& config,
                                                        StreamConditionCompiler stream,
                                                        config::Errors& errors,
                                                        const config::Path& path) {
  FurtherConditions further;
  for (int i = 0; i < config.cookies_size(); ++i) {
    const v3::CookieMatcher& cookie = config.cookies(i);
    const config::Path at = path.Field("cookies").Index(static_cast<size_t>(i));
    auto value =
        match::CompileStringMatcher(cookie.string_match(), errors, at.Field("string_match"));
    if (!value.has_value()) continue;
    further.cookies.push_back({cookie.name(), *std::move(value), cookie.invert_match()});
  }
  if (config.has_tls_context() || config.dynamic_metadata_size() != 0 ||
      config.filter_state_size() != 0) {
    if (stream == nullptr) {
      errors.Add(path,
                 "tls_context, dynamic_metadata and filter_state are not for this place: nothing "
                 "is known of the stream here");
    } else {
      stream(config, path, errors, &further.stream);
    }
  }
  if (further.cookies.empty() && further.stream.empty()) return nullptr;
  return std::make_shared<const FurtherConditions>(std::move(further));
}

}  // namespace

PathPattern CompilePath(const v3::RouteMatch& config, config::Errors& errors,
                        const config::Path& path) {
  PathPattern pattern;
  pattern.case_sensitive = !config.has_case_sensitive() || config.case_sensitive().value();
  switch (config.path_specifier_case()) {
    case v3::RouteMatch::kPrefix:
      pattern.kind = PathPattern::Kind::kPrefix;
      pattern.text = config.prefix();
      break;
    case v3::RouteMatch::kPath:
      pattern.kind = PathPattern::Kind::kExact;
      pattern.text = config.path();
      break;
    case v3::RouteMatch::kPathSeparatedPrefix:
      pattern.kind = PathPattern::Kind::kSeparatedPrefix;
      pattern.text = config.path_separated_prefix();
      break;
    case v3::RouteMatch::kSafeRegex:
      pattern.kind = PathPattern::Kind::kRegex;
      pattern.regex = match::CompileRegex(config.safe_regex(), errors, path.Field("safe_regex"));
      break;
    case v3::RouteMatch::kPathMatchPolicy:
      pattern.kind = PathPattern::Kind::kRegex;
      pattern.regex = CompilePathMatchPolicy(config.path_match_policy(), errors,
                                             path.Field("path_match_policy"));
      break;
    case v3::RouteMatch::kConnectMatcher:
      pattern.kind = PathPattern::Kind::kConnect;
      break;
    case v3::RouteMatch::PATH_SPECIFIER_NOT_SET:
      errors.Add(path,
                 "expected one of prefix, path, path_separated_prefix, safe_regex, "
                 "path_match_policy, connect_matcher");
      break;
  }
  return pattern;
}

Conditions CompileConditions(const v3::RouteMatch& config, StreamConditionCompiler stream,
                             config::Errors& errors, const config::Path& path) {
  Conditions conditions;
  for (int i = 0; i < config.headers_size(); ++i) {
    auto matcher = CompileHeaderMatcher(config.headers(i), errors,
                                        path.Field("headers").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) conditions.headers.push_back(*std::move(matcher));
  }
  for (int i = 0; i < config.query_parameters_size(); ++i) {
    auto matcher =
        CompileQueryMatcher(config.query_parameters(i), errors,
                            path.Field("query_parameters").Index(static_cast<size_t>(i)));
    if (matcher.has_value()) conditions.query.push_back(*std::move(matcher));
  }
  conditions.grpc = config.has_grpc();
  if (config.has_runtime_fraction()) {
    runtime::FractionSetting fraction =
        runtime::CompileSetting(config.runtime_fraction(), errors, path.Field("runtime_fraction"));
    if (!fraction.always()) conditions.fraction = std::move(fraction);
  }
  conditions.further = CompileFurther(config, stream, errors, path);
  return conditions;
}

}  // namespace proxenos::route
