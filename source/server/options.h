// Options: the command line, with Envoy's flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "source/base/clock.h"

namespace proxenos::server {

struct Options {
  enum class Mode : uint8_t { kServe, kValidate };
  enum class Action : uint8_t { kRun, kPrintVersion, kPrintHelp, kPrintHotRestartVersion };

  Action action = Action::kRun;
  Mode mode = Mode::kServe;
  std::string config_path;
  std::string config_yaml;
  std::optional<uint32_t> concurrency;  // Else one worker per hardware thread.
  bool cpuset_threads = false;          // Count the CPUs this process may use, not all there are.
  std::string log_level = "info";
  std::string component_log_level;
  std::string log_format;
  bool log_format_escaped = false;
  std::string log_path;
  std::string service_cluster;
  std::string service_node;
  std::string service_zone;
  std::string admin_address_path;
  std::string base_id_path;
  std::vector<std::pair<std::string, std::string>> stats_tags;  // Labels of every stat.
  uint64_t base_id = 0;
  uint64_t restart_epoch = 0;
  base::Nanos drain_time = 600 * base::kSecond;
  base::Nanos parent_shutdown_time = 900 * base::kSecond;
  base::Nanos file_flush_interval = 10 * base::kSecond;
  bool drain_immediately = false;  // --drain-strategy immediate
  bool allow_unknown_static_fields = false;
  bool reject_unknown_dynamic_fields = false;

  // Flags that were given and have no effect, each with the reason: said once at start.
  std::vector<std::string> notes;
};

// Error: which argument is wrong and what was expected.
absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv);

// The text of --help.
std::string HelpText();
// The text of --version: "proxenos  version: HASH/VERSION/…" as scripts for Envoy expect it.
std::string VersionText();

inline constexpr char kVersion[] = "0.1.0";

}  // namespace proxenos::server
