// There are no settings.
#include "source/filters/network/sni_cluster/sni_cluster_config.h"

#include "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/sni_cluster/sni_cluster.h"

namespace proxenos::filters::sni_cluster {

std::unique_ptr<filter::NetworkFilterFactory> CreateSniCluster(const google::protobuf::Any& config,
                                                               const config::Path& path,
                                                               config::Errors& errors) {
  envoy::extensions::filters::network::sni_cluster::v3::SniCluster proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<SniCluster>();
}

}  // namespace proxenos::filters::sni_cluster
