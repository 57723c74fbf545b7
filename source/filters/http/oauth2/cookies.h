// Cookies: those of one request, to be looked at and to be changed before it goes on.
//
// The bytes are a client's. Owner: the filter, for a moment. Thread: the worker's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::filters::oauth2 {

class Cookies {
 public:
  // Views into the fields, which must live as long.
  explicit Cookies(const http::HeaderMap& headers);

  // The first of that name, without quotes around it; empty when there is none.
  absl::string_view Get(absl::string_view name) const;
  // Calls visit(name) with each.
  void ForEachName(absl::FunctionRef<void(absl::string_view)> visit) const;

  void RemoveIf(absl::FunctionRef<bool(absl::string_view name)> gone);
  // In the place of the first of that name, of which no other stays; else last. `name` must live
  // as long.
  void Set(absl::string_view name, std::string value);
  // Puts what is left into the request, as one field; nothing happens when nothing changed.
  void WriteTo(http::HeaderMap& headers) const;

 private:
  struct One {
    absl::string_view name;
    absl::string_view value;  // Unless it was set.
    std::string set;
    bool is_set = false;

    absl::string_view text() const { return is_set ? absl::string_view(set) : value; }
  };
  std::vector<One> all_;
  bool changed_ = false;
};

}  // namespace proxenos::filters::oauth2
