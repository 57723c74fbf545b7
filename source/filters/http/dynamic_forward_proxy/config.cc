// The cache itself is the cluster's; here its name is what matters.
#include "source/filters/http/dynamic_forward_proxy/config.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/dynamic_forward_proxy/filter.h"
#include "source/upstream/dns_cache_config.h"

namespace proxenos::filters::dynamic_forward_proxy {
namespace {

namespace v3 = envoy::extensions::filters::http::dynamic_forward_proxy::v3;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<DynamicForwardProxy>(
        settings_, filter::FindSettings<Rewrite>(stream, *this), stream);
  }

 private:
  const Settings settings_;
};

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::PerRouteConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const Rewrite>(
      Rewrite{proto.host_rewrite_literal(), absl::AsciiStrToLower(proto.host_rewrite_header())});
}

}  // namespace

const route::OverrideKind kDynamicForwardProxyOverride{
    "envoy.extensions.filters.http.dynamic_forward_proxy.v3.PerRouteConfig", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateDynamicForwardProxy(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  v3::FilterConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  if (!proto.has_dns_cache_config()) {
    errors.Add(path.Field("dns_cache_config"), "is required: the cluster's");
    return nullptr;
  }
  const size_t before = errors.count();
  upstream::CompileDnsCache(proto.dns_cache_config(), errors, path.Field("dns_cache_config"));
  if (errors.count() != before) return nullptr;
  return std::make_unique<Factory>(Settings{proto.dns_cache_config().name(),
                                            proto.save_upstream_address(),
                                            proto.allow_dynamic_host_from_filter_state()});
}

}  // namespace proxenos::filters::dynamic_forward_proxy
