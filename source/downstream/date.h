// DateCache: the Date header's value (RFC 9110, section 5.6.7), made once a second.
#pragma once

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/http/date.h"

namespace proxenos::downstream {

// Owner: the Worker. Thread: the worker's.
class DateCache {
 public:
  // Valid until a call with a later second: whoever keeps it longer copies it.
  absl::string_view Get(base::WallTime now) {
    const int64_t second = now / 1000000;
    if (second != second_) Make(second);
    return absl::string_view(text_, http::kDateSize);
  }

 private:
  void Make(int64_t second);

  int64_t second_ = -1;
  char text_[http::kDateSize] = {};
};

}  // namespace proxenos::downstream
