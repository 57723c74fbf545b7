// The redirect policy: another response is fetched in the place of one, by a request that goes the
// whole way again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/filter/header_change.h"
#include "source/filter/stream_context.h"

namespace proxenos::filter {

// extensions.http.custom_response.redirect_policy.v3.RedirectPolicy. It is what the request is
// about that begins anew.
struct RedirectErrand {
  // Where it goes; what is empty stays as the request has it.
  std::string scheme;
  std::string host;
  uint32_t port = 0;  // 0: what the host says.
  std::string path;   // With a query: in the place of that too.
  bool strips_query = false;

  uint16_t status = 0;  // Of the response in the end, unless that is an error; 0: its own.
  std::vector<HeaderChange> request_changes;
  std::vector<HeaderChange> response_changes;
};

}  // namespace proxenos::filter

namespace proxenos::filters::custom_response {

// Has the request begin anew on its errand. False, and nothing is changed: no route leads there, or
// the request has not wholly come.
bool SendOnErrand(const filter::RedirectErrand& errand, filter::StreamContext& stream);

// What comes back from it.
void ShapeAnswer(const filter::RedirectErrand& errand, http::ResponseHead& head);

}  // namespace proxenos::filters::custom_response
