// Plugins by name, and within routes.
#include "source/route/specifier_config.h"

#include <utility>

namespace proxenos::route {
namespace {

namespace v3 = envoy::config::route::v3;

// In the place of one that is optional and not to be had: what it would serve fails.
class NoCluster final : public ClusterSpecifier {
 public:
  absl::string_view Choose(const MatchInput&) const override { return {}; }
};

std::shared_ptr<const ClusterSpecifier> Compile(const v3::ClusterSpecifierPlugin& plugin,
                                                Compilation& compilation,
                                                const config::Path& path) {
  if (compilation.upper.specifiers == nullptr) {
    compilation.errors().Add(path, "is not for this place: name a cluster");
    return nullptr;
  }
  const SpecifierResult made =
      compilation.upper.specifiers(plugin.extension(), path.Field("extension"));
  if (made.specifier != nullptr) return made.specifier;
  if (made.unknown && plugin.is_optional()) return std::make_shared<const NoCluster>();
  compilation.errors().Append(made.errors);
  return nullptr;
}

}  // namespace

void CompileSpecifiers(const v3::RouteConfiguration& config, Compilation& compilation,
                       const config::Path& path) {
  for (int i = 0; i < config.cluster_specifier_plugins_size(); ++i) {
    const v3::ClusterSpecifierPlugin& plugin = config.cluster_specifier_plugins(i);
    const config::Path at = path.Field("cluster_specifier_plugins").Index(static_cast<size_t>(i));
    // Twice: the first counts, as in Envoy.
    compilation.specifiers.try_emplace(plugin.extension().name(), Compile(plugin, compilation, at));
  }
}

std::shared_ptr<const ClusterSpecifier> CompileSpecifier(const v3::RouteAction& config,
                                                         Compilation& compilation,
                                                         const config::Path& path) {
  if (config.has_inline_cluster_specifier_plugin()) {
    return Compile(config.inline_cluster_specifier_plugin(), compilation,
                   path.Field("inline_cluster_specifier_plugin"));
  }
  const auto known = compilation.specifiers.find(config.cluster_specifier_plugin());
  if (known != compilation.specifiers.end()) return known->second;
  compilation.errors().AddValue(path.Field("cluster_specifier_plugin"),
                                config.cluster_specifier_plugin(),
                                "the name of one of cluster_specifier_plugins");
  return nullptr;
}

}  // namespace proxenos::route
