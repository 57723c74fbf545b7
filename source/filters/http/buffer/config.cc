// Compiles the buffer filter's configuration.
#include "source/filters/http/buffer/config.h"

#include "envoy/extensions/filters/http/buffer/v3/buffer.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/buffer/filter.h"

namespace proxenos::filters::buffer {
namespace {

namespace v3 = envoy::extensions::filters::http::buffer::v3;

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(const BufferConfig& config) : config_(config) {}
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    // The settings outlive the stream: it pins the table that they are in.
    const auto* settings = filter::FindSettings<BufferConfig>(stream, *this);
    return std::make_unique<Buffer>(settings == nullptr ? config_ : *settings, stream);
  }

 private:
  const BufferConfig config_;
};

BufferConfig Compile(const v3::Buffer& proto) {
  return BufferConfig{proto.max_request_bytes().value(), false};
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::BufferPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  BufferConfig compiled = Compile(proto.buffer());
  compiled.disabled = proto.disabled();
  return std::make_shared<const BufferConfig>(compiled);
}

}  // namespace

const route::OverrideKind kBufferOverride{"envoy.extensions.filters.http.buffer.v3.BufferPerRoute",
                                          CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateBuffer(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors) {
  v3::Buffer proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return std::make_unique<Factory>(Compile(proto));
}

}  // namespace proxenos::filters::buffer
