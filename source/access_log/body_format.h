// BodyFormat: the body of an answer that the proxy makes itself, by a format
// (SubstitutionFormatString where it stands for a body).
//
// Owner: the configuration that has it; immutable. Thread: any.
#pragma once

#include <string>

#include "source/access_log/access_log.h"

namespace proxenos::access_log {

struct BodyFormat {
  LineFormat format;
  std::string content_type;  // Never empty.

  std::string Make(const FormatInput& input) const;
};

}  // namespace proxenos::access_log
