// ReplyFormat: makes the body of a direct response of what is known of its request
// (DirectResponseAction.body_format).
//
// Owner: the routes that use it. Thread: any; workers share it.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::route {

struct MatchInput;

class ReplyFormat {
 public:
  virtual ~ReplyFormat() = default;
  // `body` is what %LOCAL_REPLY_BODY% stands for. MatchInput::stream must be there.
  virtual std::string Format(const MatchInput& input, absl::string_view body) const = 0;
  // Never empty; lives as long as this does.
  virtual absl::string_view content_type() const = 0;
};

}  // namespace proxenos::route
