// Cookies, and the conditions on a stream.
#include "source/route/further_conditions.h"

#include <algorithm>

#include "source/http/cookie.h"

namespace proxenos::route {

bool CookieMatcher::Matches(const http::RequestHead& head) const {
  absl::string_view found;
  return (http::FindCookie(head.headers, name, &found) && value.Matches(found)) != invert;
}

bool FurtherConditions::Hold(const MatchInput& input) const {
  return std::all_of(cookies.begin(), cookies.end(),
                     [&input](const CookieMatcher& each) { return each.Matches(input.head); }) &&
         std::all_of(stream.begin(), stream.end(),
                     [&input](const StreamCondition& each) { return each(input); });
}

}  // namespace proxenos::route
