// Its matcher, in either spelling, of which every action is SkipFilter.
#include "source/filter/matcher_gate_config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/common/matcher/action/v3/skip_action.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/matcher_gate.h"
#include "source/filter/matcher_tree_config.h"

namespace proxenos::filter {
namespace {

namespace v3 = envoy::extensions::common::matching::v3;
using xds::type::matcher::v3::Matcher;

std::optional<MatcherTree> CompileTree(const Matcher& proto, const config::Path& path,
                                       config::Errors& errors) {
  using Skip = envoy::extensions::filters::common::matcher::action::v3::SkipFilter;
  const auto compile = [&errors](const google::protobuf::Any& any,
                                 const config::Path& at) -> std::optional<uint32_t> {
    const std::string type = config::TypedConfigType(any);
    if (type == Skip::descriptor()->full_name()) return 0;
    errors.Add(at, absl::StrCat("'", type, "' is not implemented by proxenos: the one action is ",
                                Skip::descriptor()->full_name()));
    return std::nullopt;
  };
  return CompileMatcherTree(proto, MatchTime::kResponse, compile, path, errors);
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::ExtensionWithMatcherPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  if (!proto.has_xds_matcher()) {
    errors.Add(path, "expected xds_matcher");
    return nullptr;
  }
  auto tree = CompileTree(proto.xds_matcher(), path.Field("xds_matcher"), errors);
  return tree ? std::make_shared<const MatcherTree>(*std::move(tree)) : nullptr;
}

}  // namespace

const route::OverrideKind kMatcherGateOverride{
    "envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute", CreateOverride};

std::unique_ptr<const FilterGate> CompileMatcherGate(const v3::ExtensionWithMatcher& proto,
                                                     const route::FilterName& name,
                                                     const config::Path& path,
                                                     config::Errors& errors) {
  std::optional<MatcherTree> tree;
  if (proto.has_xds_matcher()) {
    tree = CompileTree(proto.xds_matcher(), path.Field("xds_matcher"), errors);
  } else if (proto.has_matcher()) {
    tree = CompileTree(match::ToXdsMatcher(proto.matcher()), path.Field("matcher"), errors);
  } else {
    errors.Add(path, "expected xds_matcher");
  }
  if (!tree) return nullptr;
  return std::make_unique<const MatcherGate>(*std::move(tree), name, &kMatcherGateOverride);
}

}  // namespace proxenos::filter
