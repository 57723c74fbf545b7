// The table of flags, and the walk over the arguments.
#include "source/server/options.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "source/base/foreign_loggers.h"
#include "source/base/log.h"

namespace proxenos::server {
namespace {

using Handler = absl::Status (*)(const std::string& value, Options& options);

struct Flag {
  absl::string_view name;
  char letter;  // 0: none.
  bool takes_value;
  Handler handle;
  absl::string_view help;
};

absl::Status Invalid(absl::string_view what, absl::string_view value) {
  return absl::InvalidArgumentError(absl::StrCat("value '", value, "': expected ", what));
}

template <typename T, T Options::*kMember>
absl::Status Number(const std::string& value, Options& options) {
  T parsed;
  if (!absl::SimpleAtoi(value, &parsed)) return Invalid("a whole number, not negative", value);
  options.*kMember = parsed;
  return absl::OkStatus();
}

template <base::Nanos Options::*kMember, base::Nanos kUnit>
absl::Status Time(const std::string& value, Options& options) {
  uint32_t parsed;
  if (!absl::SimpleAtoi(value, &parsed)) return Invalid("a whole number, not negative", value);
  options.*kMember = parsed * kUnit;
  return absl::OkStatus();
}

template <std::string Options::*kMember>
absl::Status Text(const std::string& value, Options& options) {
  options.*kMember = value;
  return absl::OkStatus();
}

template <bool Options::*kMember, bool kValue>
absl::Status Switch(const std::string&, Options& options) {
  options.*kMember = kValue;
  return absl::OkStatus();
}

absl::Status Concurrency(const std::string& value, Options& options) {
  uint32_t parsed;
  if (!absl::SimpleAtoi(value, &parsed)) return Invalid("a whole number, not negative", value);
  if (parsed > 512) return Invalid("at most 512", value);
  options.concurrency = std::max(parsed, 1u);  // 0 means one, as for Envoy.
  return absl::OkStatus();
}

absl::Status Mode(const std::string& value, Options& options) {
  if (value == "serve") {
    options.mode = Options::Mode::kServe;
  } else if (value == "validate") {
    options.mode = Options::Mode::kValidate;
  } else {
    return Invalid("serve or validate (init_only is not implemented)", value);
  }
  return absl::OkStatus();
}

absl::Status LogLevel(const std::string& value, Options& options) {
  if (!base::ParseLogLevel(value)) {
    return Invalid("trace, debug, info, warning, error, critical or off", value);
  }
  options.log_level = value;
  return absl::OkStatus();
}

absl::Status DrainStrategy(const std::string& value, Options& options) {
  if (value != "gradual" && value != "immediate") return Invalid("gradual or immediate", value);
  options.drain_immediately = value == "immediate";
  return absl::OkStatus();
}

// The names are of letters and digits; values may hold all but what parts a stat's name.
absl::Status StatsTag(const std::string& value, Options& options) {
  const size_t colon = value.find(':');
  if (colon == std::string::npos) return Invalid("TAG:VALUE", value);
  const std::string name = value.substr(0, colon);
  const std::string text = value.substr(colon + 1);
  if (name.empty() || !std::all_of(name.begin(), name.end(), absl::ascii_isalnum)) {
    return Invalid("letters and digits before the colon", value);
  }
  if (text.empty() || absl::StrContains(text, '.')) {
    return Invalid("some text without a dot after the colon", value);
  }
  for (const auto& [known, other] : options.stats_tags) {
    if (known == name) return Invalid(absl::StrCat("one value of tag ", name), value);
  }
  options.stats_tags.emplace_back(name, text);
  return absl::OkStatus();
}

absl::Status IpVersion(const std::string& value, Options& options) {
  if (value != "v4" && value != "v6") return Invalid("v4 or v6", value);
  options.notes.push_back("--local-address-ip-version: the node's own address is not looked up");
  return absl::OkStatus();
}

absl::Status UnknownStatic(const std::string&, Options& options) {
  options.notes.push_back(
      "--allow-unknown-static-fields: proxenos never ignores an unknown field; it is an error that "
      "names it");
  return absl::OkStatus();
}

absl::Status NoSharedMemory(const std::string&, Options&) { return absl::OkStatus(); }

template <const char* kNote>
absl::Status Note(const std::string&, Options& options) {
  options.notes.push_back(kNote);
  return absl::OkStatus();
}

absl::Status ComponentLevels(const std::string& value, Options& options) {
  base::ComponentLevels levels = base::SplitComponentLevels(value);
  options.component_log_level = std::move(levels.own);
  for (const std::string& foreign : levels.foreign) {
    options.notes.push_back(absl::StrCat("--component-log-level ", foreign,
                                         ": no component of this name logs anything"));
  }
  return absl::OkStatus();
}

constexpr char kHotRestart[] =
    "--base-id, --use-dynamic-base-id, --restart-epoch and what else belongs to hot restart have "
    "no "
    "effect: a listening socket is shared by SO_REUSEPORT, and nothing is kept in shared memory";
constexpr char kSockets[] = "--socket-path, --socket-mode: no socket to a parent process is made";
constexpr char kCoreDump[] = "--enable-core-dump: use the shell's ulimit -c";
constexpr char kDeprecated[] =
    "--skip-deprecated-logs: deprecated fields are honoured without a log line anyway";
constexpr char kFineGrain[] = "--enable-fine-grain-logging: levels are by component";
constexpr char kStackTrace[] = "--log-stacktrace-single-entry: no stack trace is logged";
constexpr char kMutex[] = "--enable-mutex-tracing: no lock is taken on a request's path";
constexpr char kFlushSize[] = "--file-flush-min-size-kb: buffers are written when a quarter full";

constexpr Flag kFlags[] = {
    {"config-path", 'c', true, Text<&Options::config_path>, "bootstrap file (YAML, JSON, .pb)"},
    {"config-yaml", 0, true, Text<&Options::config_yaml>, "bootstrap text, merged over the file"},
    {"mode", 0, true, Mode, "serve (default) or validate: check the bootstrap and exit 0 or 1"},
    {"concurrency", 0, true, Concurrency, "number of workers; default: hardware threads"},
    {"cpuset-threads", 0, false, Switch<&Options::cpuset_threads, true>,
     "count the CPUs that this process may use"},
    {"log-level", 'l', true, LogLevel, "trace, debug, info, warning, error, critical, off"},
    {"component-log-level", 0, true, ComponentLevels,
     "levels by component, such as upstream:debug,http:trace"},
    {"log-format", 0, true, Text<&Options::log_format>, "pattern of log lines"},
    {"log-format-escaped", 0, false, Switch<&Options::log_format_escaped, true>,
     "line breaks in messages are escaped"},
    {"log-path", 0, true, Text<&Options::log_path>, "log file; default: standard error"},
    {"service-cluster", 0, true, Text<&Options::service_cluster>,
     "node.cluster, whatever the file says"},
    {"service-node", 0, true, Text<&Options::service_node>, "node.id, whatever the file says"},
    {"service-zone", 0, true, Text<&Options::service_zone>,
     "node.locality.zone, whatever the file says"},
    {"drain-time-s", 0, true, Time<&Options::drain_time, base::kSecond>,
     "longest time a drain may take (default 600)"},
    {"drain-strategy", 0, true, DrainStrategy,
     "gradual or immediate: connections are told to close at once in both"},
    {"parent-shutdown-time-s", 0, true, Time<&Options::parent_shutdown_time, base::kSecond>,
     "accepted; there is no parent process to shut down"},
    {"file-flush-interval-msec", 0, true, Time<&Options::file_flush_interval, base::kMillisecond>,
     "how often access logs are written out"},
    {"file-flush-min-size-kb", 0, true, Note<kFlushSize>, "accepted, without effect"},
    {"admin-address-path", 0, true, Text<&Options::admin_address_path>,
     "file to write the admin address to"},
    {"base-id", 0, true, Number<uint64_t, &Options::base_id>, "accepted, without effect"},
    {"base-id-path", 0, true, Text<&Options::base_id_path>, "file to write the base id to"},
    {"use-dynamic-base-id", 0, false, Note<kHotRestart>, "accepted, without effect"},
    {"restart-epoch", 0, true, Number<uint64_t, &Options::restart_epoch>,
     "accepted, shown by the admin endpoint"},
    {"disable-hot-restart", 0, false, NoSharedMemory, "the only mode there is"},
    {"skip-hot-restart-on-no-parent", 0, false, NoSharedMemory, "accepted"},
    {"skip-hot-restart-parent-stats", 0, false, NoSharedMemory, "accepted"},
    {"socket-path", 0, true, Note<kSockets>, "accepted, without effect"},
    {"socket-mode", 0, true, Note<kSockets>, "accepted, without effect"},
    {"enable-core-dump", 0, false, Note<kCoreDump>, "accepted, without effect"},
    {"skip-deprecated-logs", 0, false, Note<kDeprecated>, "accepted, without effect"},
    {"local-address-ip-version", 0, true, IpVersion, "v4 or v6; accepted, without effect"},
    {"enable-fine-grain-logging", 0, false, Note<kFineGrain>, "accepted, without effect"},
    {"log-stacktrace-single-entry", 0, false, Note<kStackTrace>, "accepted, without effect"},
    {"enable-mutex-tracing", 0, false, Note<kMutex>, "accepted, without effect"},
    {"allow-unknown-static-fields", 0, false, UnknownStatic,
     "accepted; unknown fields stay errors"},
    {"allow-unknown-fields", 0, false, UnknownStatic, "accepted; unknown fields stay errors"},
    {"ignore-unknown-dynamic-fields", 0, false, NoSharedMemory,
     "accepted; they are counted and shown in any case"},
    {"reject-unknown-dynamic-fields", 0, false,
     Switch<&Options::reject_unknown_dynamic_fields, true>,
     "refuse what control planes send with fields that are unknown here"},
    {"stats-tag", 0, true, StatsTag, "TAG:VALUE, a label of every stat; may be repeated"},
    {"hot-restart-version", 0, false,
     [](const std::string&, Options& options) {
       options.action = Options::Action::kPrintHotRestartVersion;
       return absl::OkStatus();
     },
     "print the hot restart version, which is disabled, and exit"},
    {"version", 0, false,
     [](const std::string&, Options& options) {
       options.action = Options::Action::kPrintVersion;
       return absl::OkStatus();
     },
     "print the version and exit"},
    {"help", 'h', false,
     [](const std::string&, Options& options) {
       options.action = Options::Action::kPrintHelp;
       return absl::OkStatus();
     },
     "print this and exit"},
};

const Flag* FindFlag(absl::string_view argument) {
  for (const Flag& flag : kFlags) {
    if (argument == absl::StrCat("--", flag.name)) return &flag;
    if (flag.letter != 0 &&
        argument == absl::string_view(absl::StrCat("-", std::string(1, flag.letter)))) {
      return &flag;
    }
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Options> ParseOptions(int argc, const char* const* argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view argument = argv[i];
    if (argument == "--") break;  // What follows is its starter's own mark, as it is for Envoy.
    const size_t equals = argument.find('=');
    const bool joined = absl::StartsWith(argument, "--") && equals != absl::string_view::npos;
    const absl::string_view name = joined ? argument.substr(0, equals) : argument;
    const Flag* flag = FindFlag(name);
    if (flag == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("argument '", argument, "': no such flag; --help lists them"));
    }
    std::string value;
    if (flag->takes_value) {
      if (joined) {
        value = std::string(argument.substr(equals + 1));
      } else if (++i < argc) {
        value = argv[i];
      } else {
        return absl::InvalidArgumentError(absl::StrCat("argument '", argument, "': needs a value"));
      }
    } else if (joined) {
      return absl::InvalidArgumentError(absl::StrCat("argument '", argument, "': takes no value"));
    }
    const absl::Status status = flag->handle(value, options);
    if (!status.ok()) {
      const absl::string_view message = status.message();
      return absl::InvalidArgumentError(absl::StrCat("argument '", name, "': ", message));
    }
  }
  if (options.action == Options::Action::kRun && options.config_path.empty() &&
      options.config_yaml.empty()) {
    return absl::InvalidArgumentError(
        "no configuration: give a bootstrap by -c FILE or --config-yaml TEXT");
  }
  return options;
}

std::string HelpText() {
  std::string text = "usage: proxenos -c FILE [flags]\n\n";
  for (const Flag& flag : kFlags) {
    std::string name = absl::StrCat("--", flag.name);
    if (flag.letter != 0) name = absl::StrCat("-", std::string(1, flag.letter), ", ", name);
    absl::StrAppendFormat(&text, "  %-36s %s\n",
                          absl::StrCat(name, flag.takes_value ? " VALUE" : ""), flag.help);
  }
  return text;
}

std::string VersionText() {
  return absl::StrCat("proxenos  version: 0/", kVersion, "/Clean/RELEASE/BoringSSL");
}

}  // namespace proxenos::server
