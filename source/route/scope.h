// Scopes: a connection manager whose requests are spread over several route tables by a key that is
// made of their headers (scoped_routes).
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/http/message.h"
#include "source/route/header_matcher.h"

namespace proxenos::route {

// ScopeKeyBuilder: what of a request says which scope it is in.
class ScopeKeyBuilder {
 public:
  // One part of the key, out of the first value of a header.
  struct Fragment {
    struct Pair {
      std::string separator;
      std::string key;
    };
    FieldName header;
    std::string element_separator;  // Empty: the whole value is the one element.
    uint32_t index = 0;             // Which element; without `pair`.
    std::optional<Pair> pair;       // The value of the first element with this key.
  };

  explicit ScopeKeyBuilder(std::vector<Fragment> fragments = {})
      : fragments_(std::move(fragments)) {}

  // The request's key; nothing when a part of it is missing. `room` may hold its text.
  std::optional<absl::string_view> Build(const http::RequestHead& head, std::string& room) const;
  // The key of a scope that is written as these fragments.
  static std::string Join(absl::Span<const std::string> fragments);
  size_t size() const { return fragments_.size(); }

 private:
  std::vector<Fragment> fragments_;
};

// ScopedRouteConfiguration
struct Scope {
  std::string name;
  std::string key;     // Joined.
  std::string routes;  // route_configuration_name; empty where they are written in it.
};

}  // namespace proxenos::route
