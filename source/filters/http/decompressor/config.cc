// Compiles what is decompressed.
#include "source/filters/http/decompressor/config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/decompressor/v3/decompressor.pb.h"
#include "source/compression/compression_config.h"
#include "source/config/typed_config.h"
#include "source/filters/http/decompressor/filter.h"
#include "source/runtime/setting_config.h"

namespace proxenos::filters::decompressor {
namespace {

namespace v3 = envoy::extensions::filters::http::decompressor::v3;
using compression::Coding;

// The library's name is the user's, its kind and the direction are ours: all are one value.
// By FilterFactory::upstream.
constexpr stats::ScopeShape kScope[] = {
    {"http.$.decompressor.$.",
     "http.decompressor.",
     {"envoy.http_conn_manager_prefix", "envoy.decompressor_library"}},
    {"cluster.$.decompressor.$.",
     "cluster.decompressor.",
     {"envoy.cluster_name", "envoy.decompressor_library"}}};

class Factory final : public filter::FilterFactory {
 public:
  Factory(Settings settings, std::string scope)
      : settings_(std::move(settings)), scope_(std::move(scope)) {
    request_body = filter::BodyMode::kStream;
    response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Decompressor>(settings_, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<DecompressorPart>();
    for (int i = 0; i < 2; ++i) {
      const std::string scope = absl::StrCat(scope_, i == 0 ? ".request" : ".response");
      part->stats[i] = registry.Open<DecompressionStats>(
          stats::ScopeName(kScope[upstream], {stat_prefix, scope}));
    }
    return part;
  }

 private:
  const Settings settings_;
  const std::string scope_;  // "NAME.LIBRARY"
};

Settings::Direction CompileDirection(const v3::Decompressor::CommonDirectionConfig& proto) {
  Settings::Direction direction;
  if (proto.has_enabled()) direction.enabled = runtime::CompileSetting(proto.enabled());
  direction.ignores_no_transform = proto.ignore_no_transform_header();
  return direction;
}

}  // namespace

std::unique_ptr<filter::FilterFactory> CreateDecompressor(const google::protobuf::Any& config,
                                                          const config::Path& path,
                                                          config::Errors& errors) {
  v3::Decompressor proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  Settings settings;
  const auto library = compression::CompileDecoder(proto.decompressor_library(),
                                                   path.Field("decompressor_library"), errors);
  if (library) {
    settings.decoder = library->settings;
    settings.max_ratio = library->max_ratio;
  }
  settings.request = CompileDirection(proto.request_direction_config().common_config());
  settings.response = CompileDirection(proto.response_direction_config().common_config());
  if (proto.request_direction_config().has_advertise_accept_encoding()) {
    settings.advertises = proto.request_direction_config().advertise_accept_encoding().value();
  }
  const Coding coding = compression::CodingOf(settings.decoder);
  return std::make_unique<Factory>(
      std::move(settings),
      absl::StrCat(proto.decompressor_library().name(), ".",
                   coding == Coding::kBrotli ? "brotli" : compression::NameOf(coding)));
}

}  // namespace proxenos::filters::decompressor
