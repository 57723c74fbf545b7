// Which headers are taken.
#include "source/filters/listener/proxy_protocol/proxy_protocol_config.h"

#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/listener/proxy_protocol/proxy_protocol.h"

namespace proxenos::filters::proxy_protocol {
namespace {

class Factory final : public filter::ListenerFilterFactory {
 public:
  explicit Factory(const ProxyProtocolConfig& config) : config_(config) {}
  std::unique_ptr<filter::ListenerFilter> Create(stats::Registry& registry) const override {
    return std::make_unique<ProxyProtocol>(config_, registry);
  }

 private:
  const ProxyProtocolConfig config_;
};

}  // namespace

std::unique_ptr<filter::ListenerFilterFactory> CreateProxyProtocol(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  ProxyProtocolConfig compiled;
  compiled.allow_none = proto.allow_requests_without_proxy_protocol();
  for (const auto version : proto.disallowed_versions()) {
    using Version = envoy::config::core::v3::ProxyProtocolConfig;
    compiled.allow_version[version == Version::V2 ? 2 : 1] = false;
  }
  if (!compiled.allow_version[1] && !compiled.allow_version[2]) {
    errors.Add(path.Field("disallowed_versions"), "expected at least one version to be allowed");
  }
  return std::make_unique<Factory>(compiled);
}

}  // namespace proxenos::filters::proxy_protocol
