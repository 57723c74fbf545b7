// Policy by policy.
#include "source/route/mirror_config.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "source/route/field_change_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::route {

std::vector<Mirror> CompileMirrors(const MirrorProtos& policies, Compilation& compilation,
                                   const config::Path& path) {
  std::vector<Mirror> mirrors;
  for (int i = 0; i < policies.size(); ++i) {
    const auto& policy = policies[i];
    const config::Path item = path.Index(static_cast<size_t>(i));
    Mirror mirror;
    mirror.header = absl::AsciiStrToLower(policy.cluster_header());
    if (policy.cluster().empty() == mirror.header.empty()) {
      compilation.errors().Add(item, "expected one of cluster and cluster_header");
    }
    if (!policy.cluster().empty()) mirror.cluster = compilation.Cluster(policy.cluster());
    if (policy.has_runtime_fraction()) {
      mirror.fraction = runtime::CompileSetting(policy.runtime_fraction(), compilation.errors(),
                                                item.Field("runtime_fraction"));
    }
    mirror.host = policy.host_rewrite_literal();
    compilation.CheckTargetText(mirror.host, item.Field("host_rewrite_literal"));
    mirror.suffix = !policy.disable_shadow_host_suffix_append() && mirror.host.empty();
    if (!policy.request_headers_mutations().empty()) {
      mirror.changes = std::make_shared<const std::vector<FieldChange>>(
          CompileFieldChanges(policy.request_headers_mutations(), compilation,
                              item.Field("request_headers_mutations")));
    }
    mirrors.push_back(std::move(mirror));
  }
  return mirrors;
}

}  // namespace proxenos::route
