// From typed_per_filter_config to FilterOverrides.
#include "source/route/filter_override_config.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/config/typed_config.h"

namespace proxenos::route {
namespace {

constexpr char kWrapper[] = "envoy.config.route.v3.FilterConfig";
constexpr char kCorsPolicy[] = "envoy.extensions.filters.http.cors.v3.CorsPolicy";

const OverrideKind* FindKind(OverrideKinds kinds, absl::string_view type) {
  for (const OverrideKind* kind : kinds) {
    if (kind->type == type) return kind;
  }
  return nullptr;
}

// Sets the part of `one` that its own message says. False: no filter has such settings.
bool CompileSettings(const google::protobuf::Any& config, OverrideKinds kinds,
                     config::Errors& errors, const config::Path& path, FilterOverride& one) {
  one.kind = FindKind(kinds, config::TypedConfigType(config));
  if (one.kind == nullptr) return false;
  one.settings = one.kind->create(config, path, errors);
  return true;
}

void AddUnknown(const google::protobuf::Any& config, config::Errors& errors,
                const config::Path& path) {
  errors.Add(path, absl::StrCat("type '", config::TypedConfigType(config),
                                "' is not the per-route configuration of any filter that "
                                "proxenos implements"));
}

}  // namespace

FilterOverrides CompileFilterOverrides(
    const google::protobuf::Map<std::string, google::protobuf::Any>& configs, OverrideKinds kinds,
    config::Errors& errors, const config::Path& path) {
  std::vector<std::string> names;  // In order, so that errors come in one.
  for (const auto& [name, config] : configs) names.push_back(name);
  std::sort(names.begin(), names.end());
  FilterOverrides overrides;
  for (const std::string& name : names) {
    const google::protobuf::Any& config = configs.at(name);
    const config::Path at = path.Key(name);
    FilterOverride one;
    one.filter = FilterName(name);
    if (name.empty()) errors.Add(at, "expected the name of a filter");
    if (config::TypedConfigType(config) != kWrapper) {
      if (!CompileSettings(config, kinds, errors, at, one)) AddUnknown(config, errors, at);
    } else {
      envoy::config::route::v3::FilterConfig wrapper;
      if (!config::UnpackTypedConfigTo(config, wrapper, at, errors)) continue;
      one.disabled = wrapper.disabled();
      if (!wrapper.disabled() && !wrapper.has_config()) {
        errors.Add(at, "expected config or disabled");
      } else if (!wrapper.disabled() && !wrapper.config().type_url().empty()) {
        const config::Path field = at.Field("config");
        const bool known = CompileSettings(wrapper.config(), kinds, errors, field, one);
        if (!known && !wrapper.is_optional()) AddUnknown(wrapper.config(), errors, field);
      }  // An empty config only enables the filter.
    }
    overrides.Add(std::move(one));
  }
  return overrides;
}

void CompileCorsField(const envoy::config::route::v3::CorsPolicy& policy, OverrideKinds kinds,
                      FilterOverrides* overrides, config::Errors& errors,
                      const config::Path& path) {
  FilterOverride one;
  one.filter = CorsFieldName();
  one.kind = FindKind(kinds, kCorsPolicy);
  if (one.kind == nullptr) return;  // No filter will look for it.
  google::protobuf::Any packed;
  packed.PackFrom(policy);
  one.settings = one.kind->create(packed, path, errors);
  overrides->Add(std::move(one));
}

}  // namespace proxenos::route
