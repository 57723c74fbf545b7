// Input: which text of an access a matcher looks at, as the inputs of the
// unified matcher API name them (envoy.extensions.matching.common_inputs,
// HttpRequestHeaderMatchInput).
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/match/string_matcher.h"
#include "source/rbac/access.h"
#include "source/route/header_matcher.h"

namespace proxenos::rbac {

struct Input {
  enum class Kind : uint8_t {
    kHeader,
    kDestinationIp,
    kDestinationPort,
    kSourceIp,
    kSourcePort,
    kDirectSourceIp,
    kServerName,
    kFilterState,
    kUriSan,
    kDnsSan,
    kSubject,
    kStatus,          // Of the response: "503".
    kStatusClass,     // "5xx"
    kResponseHeader,  // By `name`.
  };
  Kind kind = Kind::kHeader;
  route::FieldName header{};  // Of kHeader.
  std::string name{};         // Of kFilterState, and of kResponseHeader in lower case.

  // The text, several values joined by ","; false when there is none. It lives
  // in the access, or in `scratch`.
  bool Read(const Access& access, std::string& scratch, absl::string_view* text) const;
  // The text matches, or one of its several values.
  bool Matches(const Access& access, const match::StringMatcher& matcher) const;
  // The bytes of the address that the text is; empty when it is none.
  absl::string_view ReadIp(const Access& access) const;

 private:
  bool ReadResponse(const http::ResponseHead& head, std::string& scratch,
                    absl::string_view* text) const;
};

}  // namespace proxenos::rbac
