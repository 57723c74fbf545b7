// One format.
#include "source/access_log/rate_limit_format_config.h"

#include <memory>
#include <utility>

#include "source/access_log/formatter.h"

namespace proxenos::access_log {

route::RateLimitFormat CompileRateLimitFormat(const std::string& text, const config::Path& path,
                                              config::Errors& errors) {
  route::RateLimitFormat format;
  auto compiled = Formatter::Compile(text, {.omit_empty_values = true, .extensions = {}});
  if (compiled.ok()) {
    format.own = std::make_shared<const Formatter>(*std::move(compiled));
  } else {
    errors.Add(path, std::string(compiled.status().message()));
  }
  return format;
}

}  // namespace proxenos::access_log
