// The protocols that will do.
#include "source/filter/cluster_source_config.h"

namespace proxenos::filter {
namespace {

using envoy::config::core::v3::ApiConfigSource;
using envoy::config::core::v3::ConfigSource;

void Check(const ConfigSource& source, const config::Path& path, config::Errors& errors) {
  if (source.has_ads() || source.has_self()) return;
  if (!source.has_api_config_source()) {
    errors.Add(path, "expected ads, self or api_config_source: clusters are asked for by name");
    return;
  }
  const auto type = source.api_config_source().api_type();
  if (type == ApiConfigSource::DELTA_GRPC || type == ApiConfigSource::AGGREGATED_DELTA_GRPC) return;
  errors.AddValue(path.Field("api_config_source").Field("api_type"),
                  ApiConfigSource::ApiType_Name(type), "DELTA_GRPC or AGGREGATED_DELTA_GRPC");
}

}  // namespace

ClusterSource CompileClusterSource(const ConfigSource& source, const config::Path& path,
                                   config::Errors& errors) {
  Check(source, path, errors);
  ClusterSource compiled;
  compiled.config_source = source.SerializeAsString();
  return compiled;
}

}  // namespace proxenos::filter
