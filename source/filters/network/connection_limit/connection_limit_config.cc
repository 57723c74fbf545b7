// Its fields.
#include "source/filters/network/connection_limit/connection_limit_config.h"

#include <algorithm>

#include "envoy/extensions/filters/network/connection_limit/v3/connection_limit.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/connection_limit/connection_limit.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::connection_limit {

std::unique_ptr<filter::NetworkFilterFactory> CreateConnectionLimit(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::network::connection_limit::v3::ConnectionLimit proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  if (!proto.has_max_connections()) {
    errors.Add(path.Field("max_connections"), "expected a limit");
    return nullptr;
  }
  ConnectionLimitConfig result;
  result.stat_prefix = proto.stat_prefix();
  // More than that no process has.
  result.most =
      static_cast<uint32_t>(std::min<uint64_t>(proto.max_connections().value(), UINT32_MAX));
  if (proto.has_delay()) {
    result.delay = upstream::CompileDuration(proto.delay(), errors, path.Field("delay"));
  }
  if (proto.has_runtime_enabled() && proto.runtime_enabled().has_default_value()) {
    result.enabled = proto.runtime_enabled().default_value().value();
  }
  return std::make_unique<ConnectionLimit>(std::move(result));
}

}  // namespace proxenos::filters::connection_limit
