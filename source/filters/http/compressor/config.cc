// Compiles what is compressed and how.
#include "source/filters/http/compressor/config.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/compressor/v3/compressor.pb.h"
#include "source/compression/compression_config.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filters/http/compressor/filter.h"
#include "source/match/match_config.h"
#include "source/runtime/setting_config.h"

namespace proxenos::filters::compressor {
namespace {

namespace v3 = envoy::extensions::filters::http::compressor::v3;
using compression::Coding;

// The library's name is the user's, its kind and the direction are ours: all are one value.
// By FilterFactory::upstream.
constexpr stats::ScopeShape kScope[] = {
    {"http.$.compressor.$.",
     "http.compressor.",
     {"envoy.http_conn_manager_prefix", "envoy.compressor_library"}},
    {"cluster.$.compressor.$.",
     "cluster.compressor.",
     {"envoy.cluster_name", "envoy.compressor_library"}}};

absl::string_view LibraryOf(Coding coding) {
  switch (coding) {
    case Coding::kGzip:
      return "gzip";
    case Coding::kBrotli:
      return "brotli";
    case Coding::kZstd:
      break;
  }
  return "zstd";
}

struct Compiled {
  Settings settings;
  std::string scope;                // "NAME.LIBRARY"
  bool response_has_scope = false;  // response_direction_config is set.
};

class Factory final : public filter::FilterFactory {
 public:
  explicit Factory(Compiled compiled) : compiled_(std::move(compiled)) {
    request_body = compiled_.settings.request ? filter::BodyMode::kStream : filter::BodyMode::kNone;
    response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<Compressor>(
        compiled_.settings, filter::FindSettings<RouteSettings>(stream, *this), *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    auto part = std::make_unique<CompressorPart>();
    const std::string& both = compiled_.scope;
    const std::string request = absl::StrCat(both, ".request");
    const std::string response =
        compiled_.response_has_scope ? absl::StrCat(both, ".response") : both;
    part->request =
        registry.Open<CompressionStats>(stats::ScopeName(kScope[upstream], {stat_prefix, request}));
    part->response = registry.Open<CompressionStats>(
        stats::ScopeName(kScope[upstream], {stat_prefix, response}));
    part->negotiation =
        registry.Open<NegotiationStats>(stats::ScopeName(kScope[upstream], {stat_prefix, both}));
    return part;
  }

 private:
  const Compiled compiled_;
};

template <typename Names>
void AddExactTypes(const Names& names, Rules& rules) {
  for (const std::string& name : names) {
    rules.types.patterns.emplace_back(match::StringMatcher::Kind::kExact, name,
                                      /*ignore_case=*/true);
  }
}

Rules CompileRules(const v3::Compressor::CommonDirectionConfig& proto, const config::Path& path,
                   config::Errors& errors) {
  Rules rules;
  if (proto.has_enabled()) rules.enabled = runtime::CompileSetting(proto.enabled());
  if (proto.has_min_content_length()) rules.min_length = proto.min_content_length().value();
  for (int i = 0; i < proto.content_type_matcher_size(); ++i) {
    auto matcher = match::CompileStringMatcher(
        proto.content_type_matcher(i), errors,
        path.Field("content_type_matcher").Index(static_cast<size_t>(i)));
    if (matcher) rules.types.patterns.push_back(*std::move(matcher));
  }
  if (proto.content_type_matcher_size() == 0) AddExactTypes(proto.content_type(), rules);
  return rules;
}

// Of what there was before response_direction_config.
void CompileOldFields(const v3::Compressor& proto, Settings& settings) {
  if (proto.has_runtime_enabled()) {
    settings.response.enabled = runtime::CompileSetting(proto.runtime_enabled());
  }
  if (proto.has_content_length()) settings.response.min_length = proto.content_length().value();
  AddExactTypes(proto.content_type(), settings.response);
  settings.disable_on_etag = proto.disable_on_etag_header();
  settings.remove_accept_encoding = proto.remove_accept_encoding_header();
}

void CompileResponse(const v3::Compressor::ResponseDirectionConfig& proto, const config::Path& path,
                     config::Errors& errors, Settings& settings) {
  settings.response = CompileRules(proto.common_config(), path.Field("common_config"), errors);
  settings.disable_on_etag = proto.disable_on_etag_header();
  settings.weaken_etag = proto.weaken_etag_on_compress();
  settings.remove_accept_encoding = proto.remove_accept_encoding_header();
  for (const uint32_t status : proto.uncompressible_response_codes()) {
    settings.uncompressed_statuses.push_back(static_cast<uint16_t>(status));
  }
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  v3::CompressorPerRoute proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  RouteSettings settings;
  settings.disabled = proto.disabled();
  const v3::CompressorOverrides& overrides = proto.overrides();
  settings.enables_response = overrides.has_response_direction_config();
  const auto& response = overrides.response_direction_config();
  if (response.has_remove_accept_encoding_header()) {
    settings.remove_accept_encoding = response.remove_accept_encoding_header().value();
  }
  if (overrides.has_compressor_library()) {
    settings.encoder =
        compression::CompileEncoder(overrides.compressor_library(),
                                    path.Field("overrides").Field("compressor_library"), errors);
  }
  return std::make_shared<const RouteSettings>(std::move(settings));
}

}  // namespace

const route::OverrideKind kCompressorOverride{
    "envoy.extensions.filters.http.compressor.v3.CompressorPerRoute", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateCompressor(const google::protobuf::Any& config,
                                                        const config::Path& path,
                                                        config::Errors& errors) {
  v3::Compressor proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  Compiled compiled;
  Settings& settings = compiled.settings;
  auto encoder = compression::CompileEncoder(proto.compressor_library(),
                                             path.Field("compressor_library"), errors);
  if (encoder) settings.encoder = *encoder;
  settings.first = proto.choose_first();
  if (proto.has_request_direction_config()) {
    settings.request =
        CompileRules(proto.request_direction_config().common_config(),
                     path.Field("request_direction_config").Field("common_config"), errors);
  }
  compiled.response_has_scope = proto.has_response_direction_config();
  if (compiled.response_has_scope) {
    CompileResponse(proto.response_direction_config(), path.Field("response_direction_config"),
                    errors, settings);
  } else {
    CompileOldFields(proto, settings);
  }
  compiled.scope = absl::StrCat(proto.compressor_library().name(), ".",
                                LibraryOf(compression::CodingOf(settings.encoder)));
  return std::make_unique<Factory>(std::move(compiled));
}

}  // namespace proxenos::filters::compressor
