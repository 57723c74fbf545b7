// What is looked for, and in how much.
#include "source/filters/listener/tls_inspector/tls_inspector_config.h"

#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "source/config/typed_config.h"
#include "source/filters/listener/tls_inspector/tls_inspector.h"

namespace proxenos::filters::tls_inspector {
namespace {

class Factory final : public filter::ListenerFilterFactory {
 public:
  explicit Factory(const TlsInspectorConfig& config) : config_(config) {}
  std::unique_ptr<filter::ListenerFilter> Create(stats::Registry& registry) const override {
    return std::make_unique<TlsInspector>(config_, registry);
  }

 private:
  const TlsInspectorConfig config_;
};

}  // namespace

std::unique_ptr<filter::ListenerFilterFactory> CreateTlsInspector(
    const google::protobuf::Any& config, const config::Path& path, config::Errors& errors) {
  envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  TlsInspectorConfig compiled;
  compiled.close_on_broken_hello = proto.close_connection_on_client_hello_parsing_errors();
  compiled.ja3 = proto.enable_ja3_fingerprinting().value();
  compiled.ja4 = proto.enable_ja4_fingerprinting().value();
  if (proto.has_max_client_hello_size()) {
    compiled.limits.most_bytes = proto.max_client_hello_size().value();
  }
  return std::make_unique<Factory>(compiled);
}

}  // namespace proxenos::filters::tls_inspector
