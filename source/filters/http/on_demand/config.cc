// A filter that is never there.
#include "source/filters/http/on_demand/config.h"

#include "envoy/extensions/filters/http/on_demand/v3/on_demand.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::filters::on_demand {
namespace {

namespace v3 = envoy::extensions::filters::http::on_demand::v3;

class Factory final : public filter::FilterFactory {
 public:
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    return nullptr;
  }
};

// Nothing can be set, but the override is a known one.
struct Settings {};

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::PerRouteConfig proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_shared<const Settings>();
}

}  // namespace

const route::OverrideKind kOnDemandOverride{
    "envoy.extensions.filters.http.on_demand.v3.PerRouteConfig", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateOnDemand(const google::protobuf::Any& config,
                                                      const config::Path& path,
                                                      config::Errors& errors) {
  v3::OnDemand proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>();
}

}  // namespace proxenos::filters::on_demand
