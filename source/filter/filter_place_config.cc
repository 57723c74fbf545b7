// One filter.
#include "source/filter/filter_place_config.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "source/config/typed_config.h"
#include "source/filter/matcher_gate_config.h"

namespace proxenos::filter {
namespace {

std::unique_ptr<FilterFactory> CreateBare(const FilterKind& kind,
                                          const google::protobuf::Any& config, FilterKinds kinds,
                                          const config::Path& path, config::Errors& errors) {
  return kind.create_among != nullptr ? kind.create_among(config, kinds, path, errors)
                                      : kind.create(config, path, errors);
}

// What keeps a kind from standing behind a matcher; empty: nothing.
absl::string_view WhyNotGated(const FilterKind* kind, const FilterPlace& place) {
  if (kind == nullptr) return kNotImplemented;
  if (kind->create == nullptr || kind->terminal) return "can not stand behind a matcher";
  if (place.upstream && !kind->may_be_upstream()) return "can not be an upstream filter";
  return "";
}

// What stands behind a matcher.
std::unique_ptr<FilterFactory> CreateGated(const google::protobuf::Any& any,
                                           const FilterPlace& place, const config::Path& path,
                                           config::Errors& errors) {
  envoy::extensions::common::matching::v3::ExtensionWithMatcher proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return nullptr;
  const auto& inner = proto.extension_config();
  const config::Path at = path.Field("extension_config").Field("typed_config");
  const std::string type = config::TypedConfigType(inner.typed_config());
  const FilterKind* kind = FindKind(place.kinds, type);
  if (const absl::string_view wrong = WhyNotGated(kind, place); !wrong.empty()) {
    errors.Add(at, FilterError(inner.name(), type, wrong));
    return nullptr;
  }
  auto factory = CreateBare(*kind, inner.typed_config(), place.kinds, at, errors);
  auto gate = CompileMatcherGate(proto, route::FilterName(place.name), path, errors);
  if (factory == nullptr || gate == nullptr) return nullptr;
  factory->override_kind = kind->override_kind;
  factory->gate = std::move(gate);
  return factory;
}

}  // namespace

const FilterKind* FindKind(FilterKinds kinds, absl::string_view type) {
  const auto found =
      absl::c_find_if(kinds, [type](const FilterKind& each) { return type == each.type; });
  return found == kinds.end() ? nullptr : &*found;
}

std::string FilterError(absl::string_view name, absl::string_view type, absl::string_view what) {
  return absl::StrCat("HTTP filter '", name, "' of type '", type, "' ", what);
}

std::unique_ptr<FilterFactory> CreateFilter(const FilterKind& kind,
                                            const google::protobuf::Any& config,
                                            const FilterPlace& place, const config::Path& path,
                                            config::Errors& errors) {
  const bool gated = kind.create == nullptr;
  auto factory = gated ? CreateGated(config, place, path, errors)
                       : CreateBare(kind, config, place.kinds, path, errors);
  if (factory == nullptr) return nullptr;
  factory->name = route::FilterName(place.name);
  if (!gated) factory->override_kind = kind.override_kind;
  factory->disabled = place.disabled;
  factory->index = place.index;
  return factory;
}

}  // namespace proxenos::filter
