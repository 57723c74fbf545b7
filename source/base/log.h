// The process log (not access logs): levelled, by component, to standard error or a file.
//
// Thread: any. A disabled statement costs one relaxed load; its arguments are not evaluated.
// PX_LOG(kUpstream, kWarn, "cluster ", name, ": no healthy host");
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace proxenos::base {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kCritical, kOff };

// Component names follow Envoy's --component-log-level where the same thing exists there.
enum class LogComponent : uint8_t {
  kMain,
  kConfig,
  kConnection,
  kHttp,
  kRouter,
  kUpstream,
  kPool,
  kDns,
  kAdmin,
  kGrpc,
  kFile,
  kCount,
};

// "trace" … "off", also "warning"; nullopt when it is none of them.
std::optional<LogLevel> ParseLogLevel(absl::string_view text);
absl::string_view LogLevelName(LogLevel level);
absl::string_view LogComponentName(LogComponent component);
std::optional<LogComponent> ParseLogComponent(absl::string_view text);

class Log {
 public:
  static bool Enabled(LogComponent component, LogLevel level) {
    return level >= levels_[static_cast<int>(component)].load(std::memory_order_relaxed);
  }
  static void Write(LogComponent component, LogLevel level, const char* file, int line,
                    absl::string_view message);

  static void SetLevel(LogLevel level);  // All components.
  static void SetLevel(LogComponent component, LogLevel level);
  static LogLevel Level(LogComponent component);
  // Accepts "upstream:debug,http:trace"; changes nothing when any part is wrong.
  static absl::Status SetComponentLevels(absl::string_view text);

  // spdlog's pattern letters that Envoy's --log-format documents: %Y %m %d %T %e %f %t %P %l %L %n
  // %v %_ %j %g %s %# %%. An unknown letter is an error.
  static absl::Status SetFormat(absl::string_view pattern);
  // Sends the log to a file, appended; an empty path means standard error.
  static absl::Status SetPath(const std::string& path);
  // Opens the file anew, after it was rotated (SIGUSR1).
  static absl::Status Reopen();

 private:
  static std::atomic<LogLevel> levels_[static_cast<int>(LogComponent::kCount)];
};

}  // namespace proxenos::base

#define PX_LOG(component, level, ...)                                                     \
  do {                                                                                    \
    if (::proxenos::base::Log::Enabled(::proxenos::base::LogComponent::component,         \
                                       ::proxenos::base::LogLevel::level))                \
      ::proxenos::base::Log::Write(::proxenos::base::LogComponent::component,             \
                                   ::proxenos::base::LogLevel::level, __FILE__, __LINE__, \
                                   ::absl::StrCat(__VA_ARGS__));                          \
  } while (false)
