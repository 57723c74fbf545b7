// The cache itself is the cluster's; here its name is what matters.
#include "source/filters/network/sni_dynamic_forward_proxy/sni_dynamic_forward_proxy_config.h"

#include <utility>

#include "envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/network/sni_dynamic_forward_proxy/sni_dynamic_forward_proxy.h"
#include "source/upstream/dns_cache_config.h"

namespace proxenos::filters::sni_dynamic_forward_proxy {

std::unique_ptr<filter::NetworkFilterFactory> CreateSniDynamicForwardProxy(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::network::sni_dynamic_forward_proxy::v3::FilterConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  const size_t before = errors.count();
  upstream::CompileDnsCache(proto.dns_cache_config(), errors, path.Field("dns_cache_config"));
  if (errors.count() != before) return nullptr;
  return std::make_unique<SniDynamicForwardProxy>(
      Settings{proto.dns_cache_config().name(), static_cast<uint16_t>(proto.port_value()),
               proto.save_upstream_address()});
}

}  // namespace proxenos::filters::sni_dynamic_forward_proxy
