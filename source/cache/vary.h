// Vary (RFC 9111, section 4.1): which fields of a request choose among the responses of one URL,
// and their values in a form in which requests that mean the same look the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::cache {

// Of one response. More than these are no use: such a response is not stored.
inline constexpr size_t kMaxVaryFields = 16;

// Lower-case names, in order, each once. nullopt-like: `usable` false when it names "*", something
// that is no field name, or more than kMaxVaryFields.
struct VaryFields {
  bool usable = true;
  std::vector<std::string> names;
};
VaryFields ReadVary(const http::HeaderMap& response);

// The request's values of those fields: for each its lines joined, blanks around commas taken away,
// and for fields whose lists have neither order nor case by their definition (Accept-Encoding,
// Accept-Language, Accept-Charset, Accept) lower-cased and sorted. Lengths stand first, so that no
// two different requests look the same.
std::string SelectingValues(const std::vector<std::string>& names, const http::HeaderMap& request);

}  // namespace proxenos::cache
