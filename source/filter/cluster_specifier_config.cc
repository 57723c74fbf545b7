// A matcher whose actions are names of clusters.
#include "source/filter/cluster_specifier_config.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/router/cluster_specifiers/matcher/v3/matcher.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/matcher_tree_config.h"

namespace proxenos::filter {
namespace {

namespace v3 = envoy::extensions::router::cluster_specifiers::matcher::v3;

class MatcherSpecifier final : public route::ClusterSpecifier {
 public:
  MatcherSpecifier(MatcherTree tree, std::vector<std::string> clusters)
      : tree_(std::move(tree)), clusters_(std::move(clusters)) {}

  absl::string_view Choose(const route::MatchInput& input) const override {
    static const StreamInfo kNoStream;
    const StreamInfo& info = input.stream == nullptr ? kNoStream : *input.stream;
    const match::Found found = tree_.Find(MatchSubject::OfRequest(info, input.head));
    if (found.state != match::Found::State::kAction) return {};
    return clusters_[found.action];
  }

 private:
  const MatcherTree tree_;
  const std::vector<std::string> clusters_;  // By action.
};

}  // namespace

route::SpecifierResult CompileMatcherSpecifier(
    const envoy::config::core::v3::TypedExtensionConfig& plugin, const config::Path& path) {
  route::SpecifierResult result;
  const config::Path at = path.Field("typed_config");
  const std::string type = config::TypedConfigType(plugin.typed_config());
  v3::MatcherClusterSpecifier proto;
  if (type != v3::MatcherClusterSpecifier::descriptor()->full_name()) {
    result.unknown = true;
    result.errors.AddValue(at, type, "a cluster specifier that is implemented");
    return result;
  }
  if (!config::UnpackTypedConfigTo(plugin.typed_config(), proto, at, result.errors)) return result;
  std::vector<std::string> clusters;
  const auto compile = [&](const google::protobuf::Any& any,
                           const config::Path& where) -> std::optional<uint32_t> {
    v3::ClusterAction action;
    if (!config::UnpackTypedConfigTo(any, action, where, result.errors)) return std::nullopt;
    clusters.push_back(action.cluster());
    return static_cast<uint32_t>(clusters.size() - 1);
  };
  auto tree = CompileMatcherTree(proto.cluster_matcher(), MatchTime::kRequest, compile,
                                 at.Field("cluster_matcher"), result.errors);
  if (tree && result.errors.ok()) {
    result.specifier =
        std::make_shared<const MatcherSpecifier>(*std::move(tree), std::move(clusters));
  }
  return result;
}

}  // namespace proxenos::filter
