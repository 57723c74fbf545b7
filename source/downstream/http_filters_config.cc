// The list of filters, one by one.
#include "source/downstream/http_filters_config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/config/typed_config.h"
#include "source/filter/composite_config.h"
#include "source/filter/filter_place_config.h"
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
using filter::FilterPlace;
using filter::FindKind;

constexpr char kNeedsRouter[] =
    "the last filter must be envoy.extensions.filters.http.router.v3.Router, or nothing would "
    "answer the request";
constexpr char kBehindRouter[] = "no filter may stand behind the router";
constexpr char kUpstreamOnly[] =
    "can only be an upstream filter: write it into HttpProtocolOptions.http_filters of a cluster";

class FilterList {
 public:
  FilterList(const HttpFilterProtos& protos, const FilterTools& tools, HttpConfig& config,
             config::Errors& errors)
      : protos_(protos), tools_(tools), config_(config), errors_(errors) {}

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
  FilterPlace PlaceOf(const HttpFilterProto& proto) const {
    return {tools_.kinds, proto.name(), static_cast<uint32_t>(config_.filters.size()),
            proto.disabled()};
  }

  // Whether a filter of that kind may stand here.
  bool MayStand(const FilterKind* kind, const std::string& name, const std::string& type,
                const config::Path& path) {
    if (kind == nullptr) {
      errors_.Add(path, filter::FilterError(name, type, filter::kNotImplemented));
    } else if (!kind->may_be_downstream()) {
      errors_.Add(path, filter::FilterError(name, type, kUpstreamOnly));
    }
    return kind != nullptr && kind->may_be_downstream();
  }

  void AddWritten(const HttpFilterProto& proto, bool last, const config::Path& path) {
    const std::string type = config::TypedConfigType(proto.typed_config());
    const FilterKind* kind = FindKind(tools_.kinds, type);
    const config::Path at = path.Field("typed_config");
    if (kind == nullptr && proto.is_optional()) return;
    if (!MayStand(kind, proto.name(), type, at)) return;
    if (kind->terminal != last) errors_.Add(path, last ? kNeedsRouter : kBehindRouter);
    for (auto& factory :
         filter::CreateFilters(*kind, proto.typed_config(), PlaceOf(proto), at, errors_)) {
      factory->OpenLogs(tools_.log_writer, errors_);
      config_.filters.push_back(std::move(factory));
    }
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
    const FilterKind* kind = FindKind(tools_.kinds, type);
    if (MayStand(kind, place.name, type, path) && kind->terminal != place.terminal) {
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
    auto factory = CompileDiscoveredFilter(proto, place, tools_, found);
    for (const config::Error& error : found.list()) {
      errors_.Add(path.Field("default_config"), error.ToString());
    }
    return factory;
  }

  const HttpFilterProtos& protos_;
  const FilterTools& tools_;
  HttpConfig& config_;
  config::Errors& errors_;
};

}  // namespace

void CompileHttpFilters(const HttpFilterProtos& protos, const FilterTools& tools,
                        HttpConfig& config, const config::Path& path, config::Errors& errors) {
  if (protos.empty()) {
    errors.Add(path,
               "expected at least one filter, of which the last is "
               "envoy.extensions.filters.http.router.v3.Router");
  }
  if (protos.size() > filter::kMaxFilters) {
    errors.Add(path, absl::StrCat("expected at most ", filter::kMaxFilters, " filters"));
    return;
  }
  FilterList list(protos, tools, config, errors);
  for (int i = 0; i < protos.size(); ++i) list.Add(i, path.Index(static_cast<size_t>(i)));
  if (config.filters.size() > size_t{filter::kMaxFilters}) {
    errors.Add(path, absl::StrCat("expected at most ", filter::kMaxFilters,
                                  " filters, with those that a composite chooses among"));
  }
}

std::shared_ptr<const FilterFactory> CompileDiscoveredFilter(
    const envoy::config::core::v3::TypedExtensionConfig& proto, const DiscoveredFilter& place,
    const FilterTools& tools, config::Errors& errors) {
  const config::Path path("typed_config");
  const std::string type = config::TypedConfigType(proto.typed_config());
  if (!absl::c_linear_search(place.types, type)) {
    errors.AddValue(path, type, absl::StrCat("one of ", absl::StrJoin(place.types, ", ")));
    return nullptr;
  }
  const FilterKind* kind = FindKind(tools.kinds, type);
  if (kind == nullptr) return nullptr;  // Then the place itself was refused.
  auto factory = filter::CreateFilter(
      *kind, proto.typed_config(),
      FilterPlace{tools.kinds, place.name, place.index, place.disabled}, path, errors);
  if (factory != nullptr) factory->OpenLogs(tools.log_writer, errors);
  return factory;
}

}  // namespace proxenos::downstream
