// Static attributes, and those of OTEL_RESOURCE_ATTRIBUTES.
#include "source/rpc/resource_config.h"

#include <cstdlib>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "envoy/extensions/tracers/opentelemetry/resource_detectors/v3/environment_resource_detector.pb.h"
#include "envoy/extensions/tracers/opentelemetry/resource_detectors/v3/static_config_resource_detector.pb.h"
#include "source/config/typed_config.h"

namespace proxenos::rpc {
namespace {

namespace detectors_v3 = envoy::extensions::tracers::opentelemetry::resource_detectors::v3;

// "a=b,c=d", as OpenTelemetry's libraries read it.
void ReadEnvironment(ResourceAttributes& to) {
  const char* text = std::getenv("OTEL_RESOURCE_ATTRIBUTES");
  if (text == nullptr) return;
  for (const absl::string_view pair : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(pair, absl::MaxSplits('=', 1));
    SetAttribute(std::string(absl::StripAsciiWhitespace(halves.first)),
                 std::string(absl::StripAsciiWhitespace(halves.second)), to);
  }
}

}  // namespace

void SetAttribute(const std::string& key, const std::string& value, ResourceAttributes& to) {
  for (auto& [known, old] : to) {
    if (known != key) continue;
    old = value;
    return;
  }
  to.emplace_back(key, value);
}

void DetectResource(const google::protobuf::RepeatedPtrField<
                        envoy::config::core::v3::TypedExtensionConfig>& detectors,
                    const config::Path& path, config::Errors& errors, ResourceAttributes& to) {
  detectors_v3::StaticConfigResourceDetectorConfig fixed;
  detectors_v3::EnvironmentResourceDetectorConfig environment;
  for (int i = 0; i < detectors.size(); ++i) {
    const google::protobuf::Any& config = detectors[i].typed_config();
    const std::string type = config::TypedConfigType(config);
    const config::Path at = path.Index(static_cast<size_t>(i)).Field("typed_config");
    if (type == environment.GetTypeName()) {
      ReadEnvironment(to);
    } else if (type != fixed.GetTypeName()) {
      errors.AddValue(at, type,
                      "StaticConfigResourceDetectorConfig or EnvironmentResourceDetectorConfig");
    } else if (config::UnpackTypedConfigTo(config, fixed, at, errors)) {
      for (const auto& [key, value] : fixed.attributes()) SetAttribute(key, value, to);
    }
  }
}

}  // namespace proxenos::rpc
