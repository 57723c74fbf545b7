// There are no settings.
#include "source/filters/listener/original_dst/original_dst_config.h"

#include "envoy/extensions/filters/listener/original_dst/v3/original_dst.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/listener/original_dst/original_dst.h"

namespace proxenos::filters::original_dst {
namespace {

class Factory final : public filter::ListenerFilterFactory {
 public:
  std::unique_ptr<filter::ListenerFilter> Create(stats::Registry&) const override {
    return std::make_unique<OriginalDst>();
  }
};

}  // namespace

std::unique_ptr<filter::ListenerFilterFactory> CreateOriginalDst(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::listener::original_dst::v3::OriginalDst proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>();
}

}  // namespace proxenos::filters::original_dst
