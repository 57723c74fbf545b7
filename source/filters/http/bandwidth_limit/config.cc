// Compiles rates.
#include "source/filters/http/bandwidth_limit/config.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/bandwidth_limit/v3/bandwidth_limit.pb.h"
#include "source/config/typed_config.h"
#include "source/filter/filter_override.h"
#include "source/filter/header_change.h"
#include "source/filters/http/bandwidth_limit/filter.h"
#include "source/runtime/setting_config.h"
#include "source/upstream/duration_config.h"

namespace proxenos::filters::bandwidth_limit {
namespace {

using Proto = envoy::extensions::filters::http::bandwidth_limit::v3::BandwidthLimit;

constexpr stats::ScopeShape kScope{
    "$.http_bandwidth_limit.", "http_bandwidth_limit.", {"envoy.http_bandwidth_limiter_prefix"}};

class Factory final : public filter::FilterFactory {
 public:
  Factory(std::shared_ptr<const Settings> settings, std::string stat_prefix)
      : settings_(std::move(settings)), stat_prefix_(std::move(stat_prefix)) {
    request_body = filter::BodyMode::kStream;
    response_body = filter::BodyMode::kStream;
  }
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    const auto* own = filter::FindSettings<Settings>(stream, *this);
    return std::make_unique<BandwidthLimit>(own == nullptr ? *settings_ : *own, *this, stream);
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(stats::Registry& registry,
                                                     const std::string&) const override {
    auto part = std::make_unique<BandwidthPart>();
    part->stats = registry.Open<BandwidthStats>(stats::ScopeName(kScope, {stat_prefix_}));
    return part;
  }

 private:
  const std::shared_ptr<const Settings> settings_;
  const std::string stat_prefix_;
};

std::unique_ptr<const Settings::TrailerNames> CompileTrailers(const std::string& prefix,
                                                              const config::Path& path,
                                                              config::Errors& errors) {
  Settings::TrailerNames names;
  static constexpr absl::string_view kDirections[] = {"request", "response"};
  const std::string begin =
      prefix.empty() ? std::string() : absl::StrCat(absl::AsciiStrToLower(prefix), "-");
  for (const int d : {0, 1}) {
    names.took[d] = absl::StrCat(begin, "bandwidth-", kDirections[d], "-delay-ms");
    names.waited[d] = absl::StrCat(begin, "bandwidth-", kDirections[d], "-filter-delay-ms");
  }
  if (!filter::IsValidName(names.took[0])) {
    errors.AddValue(path.Field("response_trailer_prefix"), prefix, "the beginning of a name");
  }
  return std::make_unique<const Settings::TrailerNames>(std::move(names));
}

std::shared_ptr<const Settings> Compile(const Proto& proto, const config::Path& path,
                                        config::Errors& errors) {
  Settings settings;
  if (proto.has_runtime_enabled()) {
    settings.enabled = runtime::CompileSetting(proto.runtime_enabled());
  }
  const bool request =
      proto.enable_mode() == Proto::REQUEST || proto.enable_mode() == Proto::REQUEST_AND_RESPONSE;
  const bool response =
      proto.enable_mode() == Proto::RESPONSE || proto.enable_mode() == Proto::REQUEST_AND_RESPONSE;
  if ((request || response) && !proto.has_limit_kbps()) {
    errors.Add(path.Field("limit_kbps"), "expected a limit where enable_mode has a direction");
    return nullptr;
  }
  constexpr uint64_t kMostKib = uint64_t{1} << 40;
  const uint64_t rate = std::min(proto.limit_kbps().value(), kMostKib) * 1024;
  if ((request || response) && rate == 0) {
    errors.Add(path.Field("limit_kbps"), "expected 1 or more");
    return nullptr;
  }
  base::Nanos interval = 50 * base::kMillisecond;
  if (proto.has_fill_interval()) {
    const config::Path field = path.Field("fill_interval");
    interval = upstream::CompileDuration(proto.fill_interval(), errors, field);
    if (interval < 20 * base::kMillisecond || interval > base::kSecond) {
      errors.Add(field, "expected 0.02s to 1s");
      return nullptr;
    }
  }
  if (proto.enable_response_trailers()) {
    settings.trailers = CompileTrailers(proto.response_trailer_prefix(), path, errors);
  }
  if (request) settings.request_pace = std::make_unique<base::BytePace>(rate, interval);
  if (response) settings.response_pace = std::make_unique<base::BytePace>(rate, interval);
  return std::make_shared<const Settings>(std::move(settings));
}

std::shared_ptr<const void> CreateOverride(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  return Compile(proto, path, errors);
}

}  // namespace

const route::OverrideKind kBandwidthLimitOverride{
    "envoy.extensions.filters.http.bandwidth_limit.v3.BandwidthLimit", CreateOverride};

std::unique_ptr<filter::FilterFactory> CreateBandwidthLimit(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors) {
  Proto proto;
  if (!config::UnpackTypedConfigTo(config, proto, path, errors)) return nullptr;
  auto settings = Compile(proto, path, errors);
  if (settings == nullptr) return nullptr;
  return std::make_unique<Factory>(std::move(settings), proto.stat_prefix());
}

}  // namespace proxenos::filters::bandwidth_limit
