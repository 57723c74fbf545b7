// Services, protocol, method, rate.
#include "source/xds/stream_config.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace proxenos::xds {
namespace {

using envoy::config::core::v3::ApiConfigSource;

// Of several servers: each costs a pause while the ones before it are silent.
constexpr int kMaxServers = 16;

std::optional<RequestRateOptions> RateOf(const ApiConfigSource& source) {
  if (!source.has_rate_limit_settings()) return std::nullopt;
  const auto& settings = source.rate_limit_settings();
  RequestRateOptions rate;
  // Envoy: no less than one, which would stop for good; no slower than once a year.
  if (settings.has_max_tokens()) rate.max_tokens = std::max(settings.max_tokens().value(), 1u);
  if (settings.has_fill_rate()) {
    rate.tokens_per_second = std::max(settings.fill_rate().value(), 1.0 / (365 * 24 * 3600));
  }
  return rate;
}

std::string MethodOf(const ApiConfigSource& source, const ResourceType* type,
                     const config::Path& path, config::Errors& errors) {
  const bool delta = IsDelta(source);
  if (type == nullptr) return delta ? kDeltaAggregatedMethod : kAggregatedMethod;
  const absl::string_view method = delta ? type->delta_method : type->stream_method;
  if (method.empty()) {
    errors.AddValue(path.Field("api_type"), ApiConfigSource::ApiType_Name(source.api_type()),
                    "DELTA_GRPC: no other protocol has resources of this type");
  }
  return std::string(method);
}

}  // namespace

bool IsAggregated(const ApiConfigSource& source) {
  return source.api_type() == ApiConfigSource::AGGREGATED_GRPC ||
         source.api_type() == ApiConfigSource::AGGREGATED_DELTA_GRPC;
}

bool IsDelta(const ApiConfigSource& source) {
  return source.api_type() == ApiConfigSource::DELTA_GRPC ||
         source.api_type() == ApiConfigSource::AGGREGATED_DELTA_GRPC;
}

AdsStreamOptions CompileStream(const ApiConfigSource& source, const ResourceType* type,
                               ClusterAddresses cluster_addresses, const config::Path& path,
                               config::Errors& errors) {
  AdsStreamOptions options;
  const config::Path services = path.Field("grpc_services");
  if (source.api_type() == ApiConfigSource::REST) {
    errors.AddValue(path.Field("api_type"), "REST", "a gRPC type: all types share this stream");
  }
  const int count = source.grpc_services_size();
  if (count == 0 || count > kMaxServers) {
    errors.Add(services, absl::StrCat(count, " items: expected from 1 to ", kMaxServers));
  }
  for (int i = 0; i < std::min(count, kMaxServers); ++i) {
    options.targets.push_back(
        CompileGrpcTarget(source.grpc_services(i), cluster_addresses, services.Index(i), errors));
  }
  if (source.cluster_names_size() > 0) {
    errors.Add(path.Field("cluster_names"), "is for REST alone; write grpc_services");
  }
  options.protocol = IsDelta(source) ? Protocol::kDelta : Protocol::kStateOfTheWorld;
  options.method = MethodOf(source, type, path, errors);
  options.node_on_first_message_only = source.set_node_on_first_message_only();
  options.rate = RateOf(source);
  return options;
}

}  // namespace proxenos::xds
