// Where tokens stand in a request, and their removal.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filters/http/jwt_authn/settings.h"
#include "source/http/message.h"

namespace proxenos::filters::jwt_authn {

struct Found {
  const Place* place;
  absl::string_view text;  // In the request.
};

// Every token at one of `places`, in their order.
std::vector<Found> FindTokens(const std::vector<Place>& places, const http::RequestHead& head);

// Takes the header or the parameter out of the request. A cookie stays: it has other readers.
void RemoveToken(const Place& place, http::RequestHead& head);

}  // namespace proxenos::filters::jwt_authn
