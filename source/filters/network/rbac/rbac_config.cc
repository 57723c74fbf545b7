// Its fields.
#include "source/filters/network/rbac/rbac_config.h"

#include <utility>

#include "envoy/extensions/filters/network/rbac/v3/rbac.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/rbac/rbac.h"
#include "source/rbac/rules_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::rbac {

using proxenos::rbac::CompileMatcher;
using proxenos::rbac::CompileRules;
using proxenos::rbac::Subject;

std::unique_ptr<filter::NetworkFilterFactory> CreateRbac(const google::protobuf::Any& config,
                                                         const config::Path& path,
                                                         config::Errors& errors) {
  envoy::extensions::filters::network::rbac::v3::RBAC proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  RbacConfig result;
  result.stat_prefix = proto.stat_prefix();
  result.shadow_stat_prefix = proto.shadow_rules_stat_prefix();
  if (proto.has_delay_deny()) {
    result.delay = upstream::CompileDuration(proto.delay_deny(), errors, path.Field("delay_deny"));
  }
  // A matcher takes the place of rules.
  if (proto.has_matcher()) {
    result.rules =
        CompileMatcher(proto.matcher(), Subject::kConnection, path.Field("matcher"), errors);
  } else if (proto.has_rules()) {
    result.rules = CompileRules(proto.rules(), Subject::kConnection, path.Field("rules"), errors);
  }
  if (proto.has_shadow_matcher()) {
    result.shadow = CompileMatcher(proto.shadow_matcher(), Subject::kConnection,
                                   path.Field("shadow_matcher"), errors);
  } else if (proto.has_shadow_rules()) {
    result.shadow = CompileRules(proto.shadow_rules(), Subject::kConnection,
                                 path.Field("shadow_rules"), errors);
  }
  if (errors.count() != before) return nullptr;
  return std::make_unique<Rbac>(std::move(result));
}

}  // namespace proxenos::filters::rbac
