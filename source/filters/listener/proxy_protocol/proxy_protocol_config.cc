// Which headers are taken.
#include "source/filters/listener/proxy_protocol/proxy_protocol_config.h"

#include <bitset>
#include <string>
#include <utility>
#include <vector>

#include "envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/listener/proxy_protocol/proxy_header.h"
#include "source/filters/listener/proxy_protocol/proxy_protocol.h"

namespace proxenos::filters::proxy_protocol {
namespace {

namespace v3 = envoy::extensions::filters::listener::proxy_protocol::v3;

class Factory final : public filter::ListenerFilterFactory {
 public:
  explicit Factory(ProxyProtocolConfig config) : config_(std::move(config)) {}
  std::unique_ptr<filter::ListenerFilter> Create(stats::Registry& registry) const override {
    return std::make_unique<ProxyProtocol>(config_, registry);
  }

 private:
  const ProxyProtocolConfig config_;
};

constexpr char kDefaultSpace[] = "envoy.filters.listener.proxy_protocol";

std::vector<TlvRule> CompileRules(const v3::ProxyProtocol& proto, const config::Path& path,
                                  config::Errors& errors) {
  std::vector<TlvRule> rules;
  for (int i = 0; i < proto.rules_size(); ++i) {
    const auto& each = proto.rules(i);
    if (!each.has_on_tlv_present()) {
      errors.Add(path.Field("rules").Index(static_cast<size_t>(i)), "expected on_tlv_present");
      continue;
    }
    const auto& to = each.on_tlv_present();
    const std::string& space = to.metadata_namespace();
    rules.push_back({static_cast<uint8_t>(each.tlv_type()), space.empty() ? kDefaultSpace : space,
                     to.key(),
                     to.value_string_encoding() == v3::ProxyProtocol::KeyValuePair::BASE64});
  }
  return rules;
}

std::bitset<256> CompilePasses(const v3::ProxyProtocol& proto) {
  std::bitset<256> passes;
  if (!proto.has_pass_through_tlvs()) return passes;
  const auto& wanted = proto.pass_through_tlvs();
  if (wanted.match_type() == envoy::config::core::v3::ProxyProtocolPassThroughTLVs::INCLUDE_ALL) {
    passes.set();
  }
  for (const uint32_t type : wanted.tlv_type()) passes.set(type);
  // What they say is of this header, not of the next one.
  passes.reset(kCrc32c).reset(kNoop);
  return passes;
}

}  // namespace

std::unique_ptr<filter::ListenerFilterFactory> CreateProxyProtocol(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  v3::ProxyProtocol proto;
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
  compiled.rules = CompileRules(proto, path, errors);
  compiled.passes = CompilePasses(proto);
  compiled.stat_prefix = proto.stat_prefix();
  return std::make_unique<Factory>(std::move(compiled));
}

}  // namespace proxenos::filters::proxy_protocol
