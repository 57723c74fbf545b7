// Looking for the list.
#include "source/server/cluster_filters.h"

#include <utility>

#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/upstream_filters_config.h"

namespace proxenos::server {
namespace {

using envoy::extensions::upstreams::http::v3::HttpProtocolOptions;

constexpr char kHttpProtocolOptions[] = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

}  // namespace

std::shared_ptr<const upstream::ClusterConfig> WithUpstreamFilters(
    const envoy::config::cluster::v3::Cluster& proto, filter::FilterKinds kinds,
    config::Errors& errors, std::shared_ptr<const upstream::ClusterConfig> compiled) {
  const auto& all = proto.typed_extension_protocol_options();
  const auto found = all.find(kHttpProtocolOptions);
  if (compiled == nullptr || found == all.end()) return compiled;
  const config::Path path =
      config::Path("typed_extension_protocol_options").Key(kHttpProtocolOptions);
  HttpProtocolOptions options;
  if (!config::UnpackTypedConfigTo(found->second, options, path, errors)) return nullptr;
  if (options.http_filters().empty()) return compiled;
  auto filters =
      filter::CompileUpstreamFilters(options.http_filters(), filter::UpstreamFiltersOf::kCluster,
                                     kinds, path.Field("http_filters"), errors);
  if (filters == nullptr) return nullptr;
  upstream::ClusterConfig config = *compiled;
  config.upstream_filters = std::move(filters);
  return std::make_shared<const upstream::ClusterConfig>(std::move(config));
}

}  // namespace proxenos::server
