// Formatting and writing of the process log. One write(2) per line, so lines of several threads
// never mix; the mutex guards the settings, and keeps Reopen from closing the descriptor under a
// write.
#include "source/base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "source/base/log_pattern.h"

namespace proxenos::base {
namespace {

constexpr std::array<absl::string_view, 7> kLevelNames = {"trace", "debug",    "info", "warning",
                                                          "error", "critical", "off"};
constexpr std::array<absl::string_view, static_cast<int>(LogComponent::kCount)> kComponentNames = {
    "main", "config", "connection", "http", "router", "upstream",
    "pool", "dns",    "admin",      "grpc", "file"};

struct Settings {
  std::mutex mutex;
  std::string pattern = "[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v";
  std::string path;
  int fd = STDERR_FILENO;
};

Settings& TheSettings() {
  static Settings* const settings = new Settings;  // Never destroyed: logs until the very end.
  return *settings;
}

absl::Status OpenLocked(Settings& settings) {
  int fd = STDERR_FILENO;
  if (!settings.path.empty()) {
    fd = open(settings.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("log path ", settings.path, ": ", std::strerror(errno)));
    }
  }
  if (settings.fd != STDERR_FILENO) close(settings.fd);
  settings.fd = fd;
  return absl::OkStatus();
}

}  // namespace

std::atomic<LogLevel> Log::levels_[] = {LogLevel::kInfo, LogLevel::kInfo, LogLevel::kInfo,
                                        LogLevel::kInfo, LogLevel::kInfo, LogLevel::kInfo,
                                        LogLevel::kInfo, LogLevel::kInfo, LogLevel::kInfo,
                                        LogLevel::kInfo, LogLevel::kInfo};

std::optional<LogLevel> ParseLogLevel(absl::string_view text) {
  if (text == "warn") return LogLevel::kWarn;
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (text == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

absl::string_view LogLevelName(LogLevel level) { return kLevelNames[static_cast<int>(level)]; }

absl::string_view LogComponentName(LogComponent component) {
  return kComponentNames[static_cast<int>(component)];
}

std::optional<LogComponent> ParseLogComponent(absl::string_view text) {
  for (size_t i = 0; i < kComponentNames.size(); ++i) {
    if (text == kComponentNames[i]) return static_cast<LogComponent>(i);
  }
  return std::nullopt;
}

void Log::Write(LogComponent component, LogLevel level, const char* file, int line,
                absl::string_view message) {
  LogLine entry{LogComponentName(component), LogLevelName(level), file, line, message, {}, {}};
  clock_gettime(CLOCK_REALTIME, &entry.now);
  gmtime_r(&entry.now.tv_sec, &entry.utc);
  Settings& settings = TheSettings();
  std::lock_guard<std::mutex> lock(settings.mutex);
  const std::string text = RenderLogLine(settings.pattern, entry);
  // A log that cannot be written must not stop traffic.
  [[maybe_unused]] ssize_t ignored = write(settings.fd, text.data(), text.size());
}

void Log::SetLevel(LogLevel level) {
  for (auto& slot : levels_) slot.store(level, std::memory_order_relaxed);
}

void Log::SetLevel(LogComponent component, LogLevel level) {
  levels_[static_cast<int>(component)].store(level, std::memory_order_relaxed);
}

LogLevel Log::Level(LogComponent component) {
  return levels_[static_cast<int>(component)].load(std::memory_order_relaxed);
}

absl::Status Log::SetComponentLevels(absl::string_view text) {
  std::array<std::optional<LogLevel>, static_cast<int>(LogComponent::kCount)> wanted;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(part, ':');
    const auto component = ParseLogComponent(pair.first);
    const auto level = ParseLogLevel(pair.second);
    if (!component || !level) {
      return absl::InvalidArgumentError(
          absl::StrCat("component log level '", part, "': expected NAME:LEVEL with NAME one of ",
                       absl::StrJoin(kComponentNames, " "), " and LEVEL one of ",
                       absl::StrJoin(kLevelNames, " ")));
    }
    wanted[static_cast<int>(*component)] = *level;
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]) SetLevel(static_cast<LogComponent>(i), *wanted[i]);
  }
  return absl::OkStatus();
}

absl::Status Log::SetFormat(absl::string_view pattern) {
  if (absl::Status status = CheckLogPattern(pattern); !status.ok()) return status;
  Settings& settings = TheSettings();
  std::lock_guard<std::mutex> lock(settings.mutex);
  settings.pattern = std::string(pattern);
  return absl::OkStatus();
}

absl::Status Log::SetPath(const std::string& path) {
  Settings& settings = TheSettings();
  std::lock_guard<std::mutex> lock(settings.mutex);
  settings.path = path;
  return OpenLocked(settings);
}

absl::Status Log::Reopen() {
  Settings& settings = TheSettings();
  std::lock_guard<std::mutex> lock(settings.mutex);
  return OpenLocked(settings);
}

}  // namespace proxenos::base
