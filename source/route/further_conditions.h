// FurtherConditions: what few routes match by: cookies (RouteMatch.cookies), and what is known of a
// stream besides its request (dynamic_metadata, filter_state, tls_context).
//
// Owner: the route's Conditions. Thread: any (immutable).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "source/match/string_matcher.h"
#include "source/route/route.h"

namespace proxenos::route {

// envoy.config.route.v3.CookieMatcher
struct CookieMatcher {
  std::string name;
  match::StringMatcher value;
  bool invert = false;

  // Of cookies of one name the first counts. A cookie that is missing matches only inverted.
  bool Matches(const http::RequestHead& head) const;
};

// It comes from a layer that knows the stream; false where there is none.
using StreamCondition = absl::AnyInvocable<bool(const MatchInput&) const>;

struct FurtherConditions {
  std::vector<CookieMatcher> cookies;
  std::vector<StreamCondition> stream;

  bool Hold(const MatchInput& input) const;
};

}  // namespace proxenos::route
