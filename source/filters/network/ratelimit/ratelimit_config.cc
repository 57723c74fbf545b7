// Its fields.
#include "source/filters/network/ratelimit/ratelimit_config.h"

#include <utility>

#include "envoy/extensions/filters/network/ratelimit/v3/rate_limit.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/ratelimit/ratelimit.h"
#include "source/rpc/service_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::network_ratelimit {
namespace {

using Proto = envoy::extensions::filters::network::ratelimit::v3::RateLimit;
using DescriptorProto = envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;

constexpr char kMethod[] = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";
constexpr base::Nanos kDefaultTimeout = 20 * base::kMillisecond;

std::vector<Settings::Entry> CompileDescriptor(const DescriptorProto& proto,
                                               const config::Path& path, config::Errors& errors) {
  std::vector<Settings::Entry> entries;
  for (int i = 0; i < proto.entries_size(); ++i) {
    auto value = access_log::Formatter::Compile(proto.entries(i).value());
    if (value.ok()) {
      entries.push_back({proto.entries(i).key(), *std::move(value)});
    } else {
      errors.Add(path.Field("entries").Index(static_cast<size_t>(i)).Field("value"),
                 std::string(value.status().message()));
    }
  }
  return entries;
}

}  // namespace

std::unique_ptr<filter::NetworkFilterFactory> CreateRateLimit(const google::protobuf::Any& config,
                                                              const config::Path& path,
                                                              config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  Settings settings;
  settings.stat_prefix = proto.stat_prefix();
  settings.domain = proto.domain();
  for (int i = 0; i < proto.descriptors_size(); ++i) {
    const config::Path at = path.Field("descriptors").Index(static_cast<size_t>(i));
    settings.descriptors.push_back(CompileDescriptor(proto.descriptors(i), at, errors));
  }
  const config::Path service = path.Field("rate_limit_service").Field("grpc_service");
  settings.service = rpc::CompileGrpcService(proto.rate_limit_service().grpc_service(), kMethod,
                                             kDefaultTimeout, service, errors);
  if (proto.has_timeout()) {
    settings.service.options.timeout =
        upstream::CompileDuration(proto.timeout(), errors, path.Field("timeout"));
  }
  settings.failure_mode_deny = proto.failure_mode_deny();
  if (errors.count() != before) return nullptr;
  return std::make_unique<RateLimit>(std::move(settings));
}

}  // namespace proxenos::filters::network_ratelimit
