// RedirectUrl: the absolute URL in a redirect's Location, taken apart (RFC 3986, section 4.3).
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace proxenos::filters::router {

struct RedirectUrl {
  enum class Kind : uint8_t {
    kGood,
    kOtherScheme,  // Neither http nor https.
    kBad,          // Not absolute, without a host, or with what no request may name.
  };

  // The other fields are set where it is kGood; they are views into `text`.
  static RedirectUrl Parse(absl::string_view text);

  Kind kind = Kind::kBad;
  bool https = false;
  absl::string_view authority;
  absl::string_view path;  // With its query, without fragment; may be empty, or begin with "?".
};

}  // namespace proxenos::filters::router
