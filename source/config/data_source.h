// The bytes behind a DataSource, wherever they are: one reader for certificates, bodies, formats
// and whatever else may be written inline, in a file or in the environment.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "envoy/config/core/v3/base.pb.h"
#include "source/config/errors.h"
#include "source/config/file.h"

namespace proxenos::config {

// Nothing, with an error below `path`, when there is no source, it cannot be read, or it holds more
// than `max_bytes`.
std::optional<std::string> ReadDataSource(const envoy::config::core::v3::DataSource& source,
                                          const Path& path, Errors& errors,
                                          size_t max_bytes = kMaxValueFileBytes);

}  // namespace proxenos::config
