// Actions, the filters of each, and the matcher that leads to them.
#include "source/filter/composite_config.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/common/matching/v3/extension_matcher.pb.h"
#include "envoy/extensions/filters/common/matcher/action/v3/skip_action.pb.h"
#include "envoy/extensions/filters/http/composite/v3/composite.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/composite_gate.h"
#include "source/filter/matcher_gate_config.h"
#include "source/filter/matcher_tree_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::filter {
namespace {

namespace v3 = envoy::extensions::filters::http::composite::v3;
using envoy::config::core::v3::TypedExtensionConfig;
using envoy::extensions::common::matching::v3::ExtensionWithMatcher;
using google::protobuf::Any;
using Skip = envoy::extensions::filters::common::matcher::action::v3::SkipFilter;
using xds::type::matcher::v3::Matcher;

// Each is made for each stream: a composite that holds more is a table, and wants another shape.
constexpr size_t kMaxChoices = 64;

// The message, and the matcher that goes with it.
struct Written {
  v3::Composite composite;
  config::Path path;
  std::optional<Matcher> matcher;
  config::Path matcher_path;
};

// What keeps a kind from being chosen; empty: nothing.
absl::string_view WhyNotChosen(const FilterKind* kind, const FilterPlace& place) {
  if (kind == nullptr) return kNotImplemented;
  if (kind->create == nullptr || kind->terminal) return "can not stand in a composite";
  if (place.upstream && !kind->may_be_upstream()) return "can not be an upstream filter";
  return "";
}

std::unique_ptr<FilterFactory> CreateChosen(const TypedExtensionConfig& proto,
                                            const FilterPlace& place, const config::Path& path,
                                            config::Errors& errors) {
  const std::string type = config::TypedConfigType(proto.typed_config());
  const FilterKind* kind = FindKind(place.kinds, type);
  if (const absl::string_view wrong = WhyNotChosen(kind, place); !wrong.empty()) {
    errors.Add(path, FilterError(proto.name(), type, wrong));
    return nullptr;
  }
  return CreateFilter(*kind, proto.typed_config(), place, path, errors);
}

// Nothing, and an error, where it is wrong; one that says nothing to run: to skip.
std::optional<v3::ExecuteFilterAction> ReadAction(const Any& any, const config::Path& path,
                                                  config::Errors& errors) {
  v3::ExecuteFilterAction proto;
  if (config::TypedConfigType(any) == Skip::descriptor()->full_name()) return proto;
  if (!config::UnpackTypedConfigTo(any, proto, path, errors)) return std::nullopt;
  const int given = int{proto.has_typed_config()} + int{proto.has_filter_chain()} +
                    int{!proto.filter_chain_name().empty()};
  if (given == 1) return proto;
  errors.Add(path, "expected one of typed_config, filter_chain and filter_chain_name");
  return std::nullopt;
}

runtime::FractionSetting CompileShare(const v3::ExecuteFilterAction& proto,
                                      const config::Path& path, config::Errors& errors) {
  return proto.has_sample_percent()
             ? runtime::CompileSetting(proto.sample_percent(), errors, path.Field("sample_percent"))
             : runtime::FractionSetting{{100, 100}};
}

class Compilation {
 public:
  Compilation(const Written& written, const FilterPlace& place, config::Errors& errors)
      : written_(written), place_(place), errors_(errors) {}

  std::vector<std::unique_ptr<FilterFactory>> Run() {
    const auto action = [this](const Any& any, const config::Path& at) { return Add(any, at); };
    std::optional<MatcherTree> tree;
    AddNamed();
    if (written_.matcher.has_value()) {
      tree = CompileMatcherTree(*written_.matcher, MatchTime::kRequest, action,
                                written_.matcher_path, errors_);
      if (!tree.has_value()) return {};
    }
    if (filters_.size() > kMaxChoices) {
      errors_.Add(written_.matcher_path,
                  absl::StrCat("expected at most ", kMaxChoices, " filters to choose among"));
      return {};
    }
    const auto choice = std::make_shared<const CompositeChoice>(CompositeChoice{
        std::move(tree), std::move(actions_), std::move(chains_), route::FilterName(place_.name),
        &kMatcherGateOverride, &kCompositeOverride});
    for (size_t i = 0; i < filters_.size(); ++i) {
      if (filters_[i] == nullptr) return {};
      filters_[i]->gate = std::make_unique<const CompositeGate>(choice, chain_of_[i]);
    }
    return std::move(filters_);
  }

 private:
  // An action's number.
  std::optional<uint32_t> Add(const Any& any, const config::Path& path) {
    const std::optional<v3::ExecuteFilterAction> proto = ReadAction(any, path, errors_);
    if (!proto.has_value()) return std::nullopt;
    CompositeAction action;
    if (proto->has_typed_config()) {
      AddFilter(proto->typed_config(), action.chain = NewChain(), path.Field("typed_config"));
    } else if (proto->has_filter_chain()) {
      AddChain(proto->filter_chain(), action.chain = NewChain(), path.Field("filter_chain"));
    } else if (!proto->filter_chain_name().empty()) {
      const auto found = chains_.find(proto->filter_chain_name());
      if (found == chains_.end()) {
        errors_.AddValue(path.Field("filter_chain_name"), proto->filter_chain_name(),
                         "a name of Composite.named_filter_chains");
        return std::nullopt;
      }
      action.chain = found->second;
    }
    action.share = CompileShare(*proto, path, errors_);
    actions_.push_back(std::move(action));
    return static_cast<uint32_t>(actions_.size() - 1);
  }

  uint32_t NewChain() { return next_chain_++; }

  // In the order of their names: that of a map of protobuf is another one each time.
  void AddNamed() {
    const auto& protos = written_.composite.named_filter_chains();
    const std::map<std::string, v3::FilterChainConfiguration> sorted(protos.begin(), protos.end());
    for (const auto& [name, proto] : sorted) {
      chains_[name] = NewChain();
      AddChain(proto, chains_[name], written_.path.Field("named_filter_chains").Key(name));
    }
  }

  void AddChain(const v3::FilterChainConfiguration& proto, uint32_t chain,
                const config::Path& path) {
    if (proto.typed_config().empty()) {
      errors_.Add(path.Field("typed_config"), "expected at least one filter");
    }
    for (int i = 0; i < proto.typed_config_size(); ++i) {
      AddFilter(proto.typed_config(i), chain,
                path.Field("typed_config").Index(static_cast<size_t>(i)));
    }
  }

  void AddFilter(const TypedExtensionConfig& proto, uint32_t chain, const config::Path& path) {
    FilterPlace place = place_;
    place.index += static_cast<uint32_t>(filters_.size());
    filters_.push_back(CreateChosen(proto, place, path.Field("typed_config"), errors_));
    chain_of_.push_back(chain);
  }

  const Written& written_;
  const FilterPlace& place_;
  config::Errors& errors_;
  std::vector<CompositeAction> actions_;
  absl::flat_hash_map<std::string, uint32_t> chains_;  // By name.
  uint32_t next_chain_ = 0;
  // In the order of the chain: null where one is wrong.
  std::vector<std::unique_ptr<FilterFactory>> filters_;
  std::vector<uint32_t> chain_of_;
};

bool Unpack(const Any& config, const config::Path& path, config::Errors& errors, Written* written) {
  if (config::TypedConfigType(config) == kComposite) {
    if (!config::UnpackTypedConfigTo(config, written->composite, path, errors)) return false;
    written->path = path;
    if (written->composite.has_matcher()) written->matcher = written->composite.matcher();
    written->matcher_path = path.Field("matcher");
    return true;
  }
  ExtensionWithMatcher proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return false;
  written->path = path.Field("extension_config").Field("typed_config");
  if (!config::UnpackTypedConfigTo(proto.extension_config().typed_config(), written->composite,
                                   written->path, errors)) {
    return false;
  }
  if (written->composite.has_matcher()) {
    errors.Add(written->path.Field("matcher"), "the matcher is that of ExtensionWithMatcher here");
  }
  if (proto.has_xds_matcher()) {
    written->matcher = proto.xds_matcher();
  } else if (proto.has_matcher()) {
    written->matcher = match::ToXdsMatcher(proto.matcher());
  }
  written->matcher_path = path.Field(proto.has_matcher() ? "matcher" : "xds_matcher");
  return true;
}

// By the message's type, and what an ExtensionWithMatcher holds.
bool IsComposite(const Any& config) {
  const std::string type = config::TypedConfigType(config);
  if (type != kExtensionWithMatcher) return type == kComposite;
  ExtensionWithMatcher proto;
  config::Errors found;  // Whoever compiles it finds them again.
  return config::UnpackTypedConfigTo(config, proto, config::Path(), found) &&
         config::TypedConfigType(proto.extension_config().typed_config()) == kComposite;
}

std::vector<std::unique_ptr<FilterFactory>> CompileComposite(const Any& config,
                                                             const FilterPlace& place,
                                                             const config::Path& path,
                                                             config::Errors& errors) {
  Written written;
  if (!Unpack(config, path, errors, &written)) return {};
  if (!written.matcher.has_value() && written.composite.named_filter_chains().empty()) {
    errors.Add(written.matcher_path, "expected a matcher: nothing else says which filter runs");
    return {};
  }
  return Compilation(written, place, errors).Run();
}

std::shared_ptr<const void> CreateOverride(const Any& config, const config::Path& path,
                                           config::Errors& errors) {
  v3::CompositePerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  std::vector<CompositeRoute::Action> actions;
  const auto add = [&actions, &errors](const Any& any,
                                       const config::Path& at) -> std::optional<uint32_t> {
    const std::optional<v3::ExecuteFilterAction> action = ReadAction(any, at, errors);
    if (!action.has_value()) return std::nullopt;
    if (action->has_typed_config() || action->has_filter_chain()) {
      errors.Add(at, "expected filter_chain_name: a route chooses among the chains of the filter");
      return std::nullopt;
    }
    actions.push_back({action->filter_chain_name(), CompileShare(*action, at, errors)});
    return static_cast<uint32_t>(actions.size() - 1);
  };
  auto tree =
      CompileMatcherTree(proto.matcher(), MatchTime::kRequest, add, path.Field("matcher"), errors);
  if (!tree.has_value()) return nullptr;
  return std::make_shared<const CompositeRoute>(
      CompositeRoute{*std::move(tree), std::move(actions)});
}

}  // namespace

const route::OverrideKind kCompositeOverride{
    "envoy.extensions.filters.http.composite.v3.CompositePerRoute", CreateOverride};

std::unique_ptr<FilterFactory> RefuseComposite(const Any&, const config::Path& path,
                                               config::Errors& errors) {
  errors.Add(path, "a composite filter stands for several: write it into http_filters itself");
  return nullptr;
}

std::vector<std::unique_ptr<FilterFactory>> CreateFilters(const FilterKind& kind, const Any& config,
                                                          const FilterPlace& place,
                                                          const config::Path& path,
                                                          config::Errors& errors) {
  if (IsComposite(config)) return CompileComposite(config, place, path, errors);
  std::vector<std::unique_ptr<FilterFactory>> one;
  auto factory = CreateFilter(kind, config, place, path, errors);
  if (factory != nullptr) one.push_back(std::move(factory));
  return one;
}

}  // namespace proxenos::filter
