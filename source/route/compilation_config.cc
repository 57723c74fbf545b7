// Numbering of clusters and formats, and checks of single values.
#include "source/route/compilation_config.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace proxenos::route {

ClusterRef Compilation::Cluster(const std::string& name) {
  const auto [known, added] =
      clusters_.try_emplace(name, static_cast<uint32_t>(parts_.cluster_names.size()));
  if (added) parts_.cluster_names.push_back(name);
  return {name, known->second};
}

uint32_t Compilation::Format(const std::string& text, const config::Path& path) {
  const auto [known, added] =
      formats_.try_emplace(text, static_cast<uint32_t>(parts_.formats.size()));
  if (added) parts_.formats.push_back({text, path.text()});
  return known->second;
}

base::Nanos Compilation::Duration(const google::protobuf::Duration& duration,
                                  const config::Path& path) {
  constexpr int64_t kCenturySeconds = int64_t{100} * 365 * 24 * 3600;
  if (duration.seconds() < 0 || duration.nanos() < 0 || duration.nanos() >= base::kSecond) {
    errors_.AddValue(path, absl::StrCat(duration.seconds(), "s ", duration.nanos(), "ns"),
                     "a duration that is not negative");
    return 0;
  }
  if (duration.seconds() >= kCenturySeconds) return kCenturySeconds * base::kSecond;
  return duration.seconds() * base::kSecond + duration.nanos();
}

void Compilation::CheckTargetText(const std::string& text, const config::Path& path) {
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) || c == ' ') {
      errors_.AddValue(path, absl::StrCat("\"", absl::string_view(text), "\""),
                       "a text without spaces and control characters");
      return;
    }
  }
}

RateLimits CompileTableRateLimits(const RateLimitProtos& config, Compilation& compilation,
                                  const config::Path& path) {
  const auto make = [&compilation](const std::string& text, const config::Path& at) {
    RateLimitFormat format;
    format.index = compilation.Format(text, at);
    return format;
  };
  return CompileServiceRateLimits(config, make, compilation.errors(), path);
}

}  // namespace proxenos::route
