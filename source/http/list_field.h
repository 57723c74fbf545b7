// Adding to a field whose value is a list (RFC 9110, sections 5.3 and 5.6.1), which may stand in
// several lines: they are one list, in their order, and none of them is lost.
#pragma once

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::http {

// Puts `element` behind the last line of that name, after `separator`, or where there is none adds
// a line. REQUIRES: `element` is fit for a field value.
void AppendToList(HeaderMap& headers, HeaderId id, absl::string_view separator,
                  absl::string_view element);
void AppendToList(HeaderMap& headers, absl::string_view lower_case_name,
                  absl::string_view separator, absl::string_view element);

}  // namespace proxenos::http
