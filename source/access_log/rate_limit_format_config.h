// Compiles the formats of those rate limits that filters have.
#pragma once

#include <string>

#include "source/config/errors.h"
#include "source/route/rate_limit.h"

namespace proxenos::access_log {

// Empty, with the error named, when the text is no format. An absent value leaves nothing.
route::RateLimitFormat CompileRateLimitFormat(const std::string& text, const config::Path& path,
                                              config::Errors& errors);

}  // namespace proxenos::access_log
