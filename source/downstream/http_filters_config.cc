// The list of filters, one by one.
#include "source/downstream/http_filters_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/config/typed_config.h"
#include "source/filter/matcher_gate_config.h"
#include "source/filter/missing_filter.h"
#include "source/upstream/duration_config.h"

namespace proxenos::downstream {
namespace {

using HttpFilterProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
using envoy::config::core::v3::ExtensionConfigSource;
using filter::DiscoveredFilter;
using filter::FilterFactory;
using filter::FilterKind;

constexpr char kNeedsRouter[] =
    "the last filter must be envoy.extensions.filters.http.router.v3.Router, or nothing would "
    "answer the request";
constexpr char kBehindRouter[] = "no filter may stand behind the router";

const FilterKind* FindKind(filter::FilterKinds kinds, absl::string_view type) {
  const auto found =
      absl::c_find_if(kinds, [type](const FilterKind& each) { return type == each.type; });
  return found == kinds.end() ? nullptr : &*found;
}

// Where in the chain a filter stands.
struct Place {
  filter::FilterKinds kinds;
  std::string name;
  uint32_t index = 0;
  bool disabled = false;
};

// What stands behind a matcher.
std::unique_ptr<FilterFactory> CreateGated(const google::protobuf::Any& any, const Place& place,
                                           const config::Path& path, config::Errors& errors) {
  envoy::extensions::common::matching::v3::ExtensionWithMatcher proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return nullptr;
  const auto& inner = proto.extension_config();
  const config::Path at = path.Field("extension_config").Field("typed_config");
  const std::string type = config::TypedConfigType(inner.typed_config());
  const FilterKind* kind = FindKind(place.kinds, type);
  if (kind == nullptr || kind->create == nullptr || kind->terminal) {
    errors.Add(at, absl::StrCat("HTTP filter '", inner.name(), "' of type '", type, "' ",
                                kind == nullptr ? "is not implemented by proxenos"
                                                : "can not stand behind a matcher"));
    return nullptr;
  }
  auto factory = kind->create(inner.typed_config(), at, errors);
  auto gate = filter::CompileMatcherGate(proto, route::FilterName(place.name), path, errors);
  if (factory == nullptr || gate == nullptr) return nullptr;
  factory->override_kind = kind->override_kind;
  factory->gate = std::move(gate);
  return factory;
}

std::unique_ptr<FilterFactory> Create(const FilterKind& kind, const google::protobuf::Any& proto,
                                      const Place& place, const config::Path& path,
                                      config::Errors& errors) {
  const bool gated = kind.create == nullptr;
  auto factory = gated ? CreateGated(proto, place, path, errors) : kind.create(proto, path, errors);
  if (factory == nullptr) return nullptr;
  factory->name = route::FilterName(place.name);
  if (!gated) factory->override_kind = kind.override_kind;
  factory->disabled = place.disabled;
  factory->index = place.index;
  return factory;
}

class FilterList {
 public:
  FilterList(const HttpFilterProtos& protos, filter::FilterKinds kinds, HttpConfig& config,
             config::Errors& errors)
      : protos_(protos), kinds_(kinds), config_(config), errors_(errors) {}

  void Add(int i, const config::Path& path) {
    const HttpFilterProto& proto = protos_.Get(i);
    const bool last = i + 1 == protos_.size();
    if (last && proto.disabled()) {
      errors_.Add(path.Field("disabled"),
                  "the last filter answers the request: it must be enabled");
    }
    if (proto.has_config_discovery()) {
      AddDiscovered(proto, last, path.Field("config_discovery"));
    } else {
      AddWritten(proto, last, path);
    }
  }

 private:
  Place PlaceOf(const HttpFilterProto& proto) const {
    return {kinds_, proto.name(), static_cast<uint32_t>(config_.filters.size()), proto.disabled()};
  }

  void AddWritten(const HttpFilterProto& proto, bool last, const config::Path& path) {
    const std::string type = config::TypedConfigType(proto.typed_config());
    const FilterKind* kind = FindKind(kinds_, type);
    const config::Path at = path.Field("typed_config");
    if (kind == nullptr) {
      if (proto.is_optional()) return;
      errors_.Add(at, absl::StrCat("HTTP filter '", proto.name(), "' of type '", type,
                                   "' is not implemented by proxenos"));
      return;
    }
    if (kind->terminal != last) errors_.Add(path, last ? kNeedsRouter : kBehindRouter);
    auto factory = Create(*kind, proto.typed_config(), PlaceOf(proto), at, errors_);
    if (factory != nullptr) config_.filters.push_back(std::move(factory));
  }

  void AddDiscovered(const HttpFilterProto& proto, bool last, const config::Path& path) {
    const ExtensionConfigSource& source = proto.config_discovery();
    DiscoveredFilter place;
    place.index = static_cast<uint32_t>(config_.filters.size());
    place.name = proto.name();
    place.warms = !source.apply_default_config_without_warming();
    place.terminal = last;
    place.disabled = proto.disabled();
    SetSource(source.config_source(), place, path.Field("config_source"));
    for (int i = 0; i < source.type_urls_size(); ++i) {
      AddType(source.type_urls(i), place, path.Field("type_urls").Index(static_cast<size_t>(i)));
    }
    if (!place.warms && !source.has_default_config()) {
      errors_.Add(path.Field("apply_default_config_without_warming"),
                  "there is no default_config that could be applied");
    }
    std::shared_ptr<const FilterFactory> standing = Default(source, place, path);
    if (standing == nullptr) return;
    config_.filters.push_back(std::move(standing));
    config_.discovered.push_back(std::move(place));
  }

  void SetSource(const envoy::config::core::v3::ConfigSource& proto, DiscoveredFilter& place,
                 const config::Path& path) {
    if (!proto.has_ads() && !proto.has_self()) place.source = proto.SerializeAsString();
    if (proto.has_initial_fetch_timeout()) {
      place.timeout = upstream::CompileDuration(proto.initial_fetch_timeout(), errors_,
                                                path.Field("initial_fetch_timeout"));
    }
  }

  void AddType(const std::string& url, DiscoveredFilter& place, const config::Path& path) {
    // With or without "type.googleapis.com/".
    const std::string type = url.substr(url.rfind('/') + 1);
    const FilterKind* kind = FindKind(kinds_, type);
    if (kind == nullptr) {
      errors_.Add(path, absl::StrCat("HTTP filter '", place.name, "' of type '", type,
                                     "' is not implemented by proxenos"));
    } else if (kind->terminal != place.terminal) {
      errors_.Add(path, place.terminal ? kNeedsRouter : kBehindRouter);
    }
    place.types.push_back(type);
  }

  std::shared_ptr<const FilterFactory> Default(const ExtensionConfigSource& source,
                                               const DiscoveredFilter& place,
                                               const config::Path& path) {
    if (!source.has_default_config()) {
      auto missing = std::make_unique<filter::MissingFilterFactory>(place.terminal);
      missing->name = route::FilterName(place.name);
      missing->index = place.index;
      return missing;
    }
    envoy::config::core::v3::TypedExtensionConfig proto;
    *proto.mutable_typed_config() = source.default_config();
    config::Errors found;
    auto factory = CompileDiscoveredFilter(proto, place, kinds_, found);
    for (const config::Error& error : found.list()) {
      errors_.Add(path.Field("default_config"), error.ToString());
    }
    return factory;
  }

  const HttpFilterProtos& protos_;
  const filter::FilterKinds kinds_;
  HttpConfig& config_;
  config::Errors& errors_;
};

}  // namespace

void CompileHttpFilters(const HttpFilterProtos& protos, filter::FilterKinds kinds,
                        HttpConfig& config, const config::Path& path, config::Errors& errors) {
  if (protos.empty()) {
    errors.Add(path,
               "expected at least one filter, of which the last is "
               "envoy.extensions.filters.http.router.v3.Router");
  }
  FilterList list(protos, kinds, config, errors);
  for (int i = 0; i < protos.size(); ++i) list.Add(i, path.Index(static_cast<size_t>(i)));
}

std::shared_ptr<const FilterFactory> CompileDiscoveredFilter(
    const envoy::config::core::v3::TypedExtensionConfig& proto, const DiscoveredFilter& place,
    filter::FilterKinds kinds, config::Errors& errors) {
  const config::Path path("typed_config");
  const std::string type = config::TypedConfigType(proto.typed_config());
  if (!absl::c_linear_search(place.types, type)) {
    errors.AddValue(path, type, absl::StrCat("one of ", absl::StrJoin(place.types, ", ")));
    return nullptr;
  }
  const FilterKind* kind = FindKind(kinds, type);
  if (kind == nullptr) return nullptr;  // Then the place itself was refused.
  return Create(*kind, proto.typed_config(), {kinds, place.name, place.index, place.disabled}, path,
                errors);
}

}  // namespace proxenos::downstream
