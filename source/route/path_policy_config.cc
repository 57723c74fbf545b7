// Templates of matches and rewrites.
#include "source/route/path_policy_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/path/match/uri_template/v3/uri_template_match.pb.h"
#include "envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite.pb.h"
#include "source/config/typed_config.h"
#include "source/route/uri_template.h"

namespace proxenos::route {
namespace {

using Extension = envoy::config::core::v3::TypedExtensionConfig;
using MatchProto = envoy::extensions::path::match::uri_template::v3::UriTemplateMatchConfig;
using RewriteProto = envoy::extensions::path::rewrite::uri_template::v3::UriTemplateRewriteConfig;

// The one type that there is; false with an error where another stands.
template <typename Proto>
bool Unpack(const Extension& policy, Proto& proto, config::Errors& errors,
            const config::Path& path) {
  const std::string type = config::TypedConfigType(policy.typed_config());
  if (type == Proto::descriptor()->full_name()) {
    return config::UnpackTypedConfigTo(policy.typed_config(), proto, path.Field("typed_config"),
                                       errors);
  }
  errors.AddValue(path.Field("typed_config"), type, Proto::descriptor()->full_name());
  return false;
}

std::optional<UriTemplate> Parse(const std::string& text, config::Errors& errors,
                                 const config::Path& path) {
  absl::StatusOr<UriTemplate> parsed = ParseUriTemplate(text);
  if (parsed.ok()) return *std::move(parsed);
  errors.Add(path, absl::StrCat("'", text, "' ", parsed.status().message()));
  return std::nullopt;
}

std::optional<match::Regex> Compile(const std::string& regex, config::Errors& errors,
                                    const config::Path& path) {
  absl::StatusOr<match::Regex> compiled = match::Regex::Compile(regex);
  if (compiled.ok()) return *std::move(compiled);
  errors.Add(path, std::string(compiled.status().message()));
  return std::nullopt;
}

}  // namespace

std::optional<match::Regex> CompilePathMatchPolicy(const Extension& policy, config::Errors& errors,
                                                   const config::Path& path) {
  MatchProto proto;
  if (!Unpack(policy, proto, errors, path)) return std::nullopt;
  const config::Path at = path.Field("typed_config").Field("path_template");
  const std::optional<UriTemplate> pattern = Parse(proto.path_template(), errors, at);
  if (!pattern) return std::nullopt;
  return Compile(pattern->regex, errors, at);
}

std::optional<RegexRewrite> CompilePathRewritePolicy(
    const Extension& policy, const envoy::config::route::v3::RouteMatch& match,
    config::Errors& errors, const config::Path& path) {
  RewriteProto proto;
  if (!Unpack(policy, proto, errors, path)) return std::nullopt;
  MatchProto matched;
  config::Errors told_already;
  if (!match.has_path_match_policy()) {
    errors.Add(path, "is only for a match with a path_match_policy, whose variables it uses");
    return std::nullopt;
  }
  if (!Unpack(match.path_match_policy(), matched, told_already, path)) return std::nullopt;
  const auto pattern = Parse(matched.path_template(), told_already, path);
  if (!pattern) return std::nullopt;
  const config::Path at = path.Field("typed_config").Field("path_template_rewrite");
  absl::StatusOr<std::string> made =
      UriTemplateSubstitution(proto.path_template_rewrite(), *pattern);
  if (!made.ok()) {
    errors.Add(at, absl::StrCat("'", proto.path_template_rewrite(), "' ", made.status().message()));
    return std::nullopt;
  }
  // All of the path, which the substitution takes the place of.
  auto regex = Compile(absl::StrCat("^(?:", pattern->regex, ")$"), errors, at);
  if (!regex) return std::nullopt;
  return RegexRewrite{*std::move(regex), *std::move(made)};
}

}  // namespace proxenos::route
