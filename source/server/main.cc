// main(): arguments, bootstrap, then the server until it ends.
#include <cstdio>
#include <string>
#include <utility>

#include "source/base/log.h"
#include "source/server/bootstrap.h"
#include "source/server/options.h"
#include "source/server/server.h"
#include "source/server/signals.h"
#include "source/server/validate.h"

namespace proxenos::server {
namespace {

int Complain(const absl::Status& status) {
  const absl::string_view message = status.message();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  return 1;
}

absl::Status SetUpLog(const Options& options) {
  base::Log::SetLevel(*base::ParseLogLevel(options.log_level));
  absl::Status status = base::Log::SetComponentLevels(options.component_log_level);
  std::string format = options.log_format;
  if (options.log_format_escaped) {
    if (format.empty()) format = "[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v";
    const size_t at = format.find("%v");
    if (at != std::string::npos) format.replace(at, 2, "%_");
  }
  if (status.ok() && !format.empty()) status = base::Log::SetFormat(format);
  if (status.ok() && !options.log_path.empty()) status = base::Log::SetPath(options.log_path);
  return status;
}

absl::Status SetLogPattern(const Options& options, const LoadedBootstrap& bootstrap) {
  const absl::StatusOr<std::string> pattern = LogPattern(bootstrap.proto, options);
  if (!pattern.ok() || pattern->empty()) return pattern.status();
  return base::Log::SetFormat(*pattern);
}

int Main(int argc, char** argv) {
  auto options = ParseOptions(argc, argv);
  if (!options.ok()) return Complain(options.status());
  if (options->action == Options::Action::kPrintHelp) {
    std::printf("%s", HelpText().c_str());
    return 0;
  }
  if (options->action == Options::Action::kPrintVersion) {
    std::printf("\n%s\n\n", VersionText().c_str());
    return 0;
  }
  if (options->action == Options::Action::kPrintHotRestartVersion) {
    std::printf("disabled\n");
    return 0;
  }
  const absl::Status log = SetUpLog(*options);
  if (!log.ok()) return Complain(log);
  for (const std::string& note : options->notes) PX_LOG(kMain, kInfo, note);
  auto bootstrap = LoadBootstrap(*options);
  if (!bootstrap.ok()) return Complain(bootstrap.status());
  const absl::Status format = SetLogPattern(*options, *bootstrap);
  if (!format.ok()) return Complain(format);
  const absl::Status valid = Validate(*bootstrap);
  if (!valid.ok()) return Complain(valid);
  if (options->mode == Options::Mode::kValidate) {
    std::printf("configuration '%s' OK\n", options->config_path.c_str());
    return 0;
  }
  Signals::Block();
  Server server(*std::move(options), *std::move(bootstrap));
  const absl::Status started = server.Start();
  if (!started.ok()) return Complain(started);
  server.Run();
  return server.failed() ? 1 : 0;
}

}  // namespace
}  // namespace proxenos::server

int main(int argc, char** argv) { return proxenos::server::Main(argc, argv); }
