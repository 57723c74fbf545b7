// The filter that does nothing: the attempt takes what has come as far as this.
#include "source/filters/http/upstream_codec/config.h"

#include "envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::filters::upstream_codec {
namespace {

// Owner: the attempt's FilterChain. Thread: the worker's.
class UpstreamCodec final : public filter::HttpFilter {
 public:
  bool terminal() const override { return true; }
};

class Factory final : public filter::FilterFactory {
 public:
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext&) const override {
    return std::make_unique<UpstreamCodec>();
  }
};

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateUpstreamCodec(const google::protobuf::Any& config,
                                                           const config::Path& path,
                                                           config::Errors& errors) {
  envoy::extensions::filters::http::upstream_codec::v3::UpstreamCodec proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>();
}

}  // namespace proxenos::filters::upstream_codec
