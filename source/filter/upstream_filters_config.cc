// The list of upstream filters, one by one.
#include "source/filter/upstream_filters_config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "source/config/typed_config.h"
#include "source/filter/composite_config.h"
#include "source/filter/filter_place_config.h"

namespace proxenos::filter {
namespace {

using HttpFilterProto =
    envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;

constexpr char kNeedsCodec[] =
    "the last upstream filter must be "
    "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec, which stands for the host";
constexpr char kBehindCodec[] = "no filter may stand behind upstream_codec";

// The kinds that may be upstream filters, by the last part of their types.
std::string NamesOf(FilterKinds kinds) {
  std::vector<absl::string_view> names;
  for (const FilterKind& kind : kinds) {
    if (!kind.may_be_upstream() || kind.terminal) continue;
    names.push_back(kind.type.substr(kind.type.rfind('.') + 1));
  }
  return absl::StrJoin(names, ", ");
}

class List {
 public:
  List(FilterKinds kinds, UpstreamFiltersOf owner, config::Errors& errors)
      : kinds_(kinds), owner_(owner), errors_(errors) {}

  void Add(const HttpFilterProto& proto, bool last, const config::Path& path) {
    const std::string type = config::TypedConfigType(proto.typed_config());
    const FilterKind* kind = FindKind(kinds_, type);
    const config::Path at = path.Field("typed_config");
    if (kind == nullptr) {
      if (!proto.is_optional()) errors_.Add(at, FilterError(proto.name(), type, kNotImplemented));
      return;
    }
    if (!kind->may_be_upstream()) {
      errors_.Add(at, FilterError(proto.name(), type,
                                  absl::StrCat("can not be an upstream filter: write it into "
                                               "HttpConnectionManager.http_filters (upstream "
                                               "filters may be: ",
                                               NamesOf(kinds_), ")")));
      return;
    }
    if (kind->terminal != last) errors_.Add(path, last ? kNeedsCodec : kBehindCodec);
    if (last && proto.disabled()) {
      errors_.Add(path.Field("disabled"), "the last filter must be enabled");
    }
    FilterPlace place{kinds_, proto.name(), static_cast<uint32_t>(filters_.factories.size()),
                      proto.disabled(), true};
    for (auto& factory : CreateFilters(*kind, proto.typed_config(), place, at, errors_)) {
      factory->upstream = owner_ == UpstreamFiltersOf::kCluster;
      filters_.factories.push_back(std::move(factory));
    }
    if (last && filters_.factories.size() > size_t{kMaxFilters}) {
      errors_.Add(path, absl::StrCat("expected at most ", kMaxFilters, " filters before it"));
    }
  }

  UpstreamFilters Take() { return std::move(filters_); }

 private:
  const FilterKinds kinds_;
  const UpstreamFiltersOf owner_;
  config::Errors& errors_;
  UpstreamFilters filters_;
};

}  // namespace

std::shared_ptr<const UpstreamFilters> CompileUpstreamFilters(const UpstreamFilterProtos& protos,
                                                              UpstreamFiltersOf owner,
                                                              FilterKinds kinds,
                                                              const config::Path& path,
                                                              config::Errors& errors) {
  if (protos.empty()) return nullptr;
  if (protos.size() > kMaxFilters) {
    errors.Add(path, absl::StrCat("expected at most ", kMaxFilters, " filters"));
    return nullptr;
  }
  const size_t before = errors.count();
  List list(kinds, owner, errors);
  for (int i = 0; i < protos.size(); ++i) {
    list.Add(protos.Get(i), i + 1 == protos.size(), path.Index(static_cast<size_t>(i)));
  }
  if (errors.count() != before) return nullptr;
  return std::make_shared<const UpstreamFilters>(list.Take());
}

}  // namespace proxenos::filter
