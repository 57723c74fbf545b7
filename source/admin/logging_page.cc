// /logging: the levels of the process log, shown and changed.
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "source/admin/pages.h"
#include "source/base/foreign_loggers.h"
#include "source/base/log.h"

namespace proxenos::admin {
namespace {

using base::Log;
using base::LogComponent;
using base::LogLevel;

std::string Levels() {
  std::string text = "active loggers:\n";
  for (int i = 0; i < static_cast<int>(LogComponent::kCount); ++i) {
    const auto component = static_cast<LogComponent>(i);
    absl::StrAppend(&text, "  ", base::LogComponentName(component), ": ",
                    base::LogLevelName(Log::Level(component)), "\n");
  }
  return text;
}

constexpr char kUsage[] =
    "usage: /logging?<name>=<level> (change single level)\n"
    "usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n"
    "usage: /logging?level=<level> (change all levels)\n"
    "levels: trace debug info warning error critical off \n";

// Nothing changes unless all is right. A logger that Envoy alone has is no mistake: who asks for it
// by habit is not to lose the levels beside it.
absl::Status Change(const std::string& name, const std::string& value) {
  if (name == "paths") return Log::SetComponentLevels(base::SplitComponentLevels(value).own);
  if (name == "group") {
    return absl::InvalidArgumentError("groups are of fine-grain logging: levels are by component");
  }
  const std::optional<LogLevel> level = base::ParseLogLevel(value);
  if (!level) return absl::InvalidArgumentError("unknown logger level");
  if (name == "level") {
    Log::SetLevel(*level);
    return absl::OkStatus();
  }
  const std::optional<LogComponent> component = base::ParseLogComponent(name);
  if (!component && base::IsForeignLogger(name)) return absl::OkStatus();
  if (!component) return absl::InvalidArgumentError("unknown logger name");
  Log::SetLevel(*component, *level);
  return absl::OkStatus();
}

}  // namespace

Response LoggingPage(const Request& request) {
  const auto& params = request.params.all();
  absl::Status changed;
  if (params.size() > 1) {
    changed = absl::InvalidArgumentError("invalid number of parameters");
  } else if (params.size() == 1 && !params[0].second.empty()) {
    changed = Change(params[0].first, params[0].second);
  }
  if (changed.ok()) return Response::Text(Levels());
  return Response::Error(400, absl::StrCat("error: ", changed.message(), "\n\n", kUsage, Levels()));
}

}  // namespace proxenos::admin
