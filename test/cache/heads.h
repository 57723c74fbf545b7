// What tests of caching share: heads from lists of fields.
#pragma once

#include <initializer_list>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "source/buffer/arena.h"
#include "source/http/message.h"

namespace proxenos::cache {

using FieldList = std::initializer_list<std::pair<absl::string_view, absl::string_view>>;

// A request and a response with an arena of their own.
struct Heads {
  buffer::Arena arena;
  http::RequestHead request{arena};
  http::ResponseHead response{arena};

  Heads() {
    request.method_text = "GET";
    request.scheme = "http";
    request.authority = "host";
    request.path = "/";
    response.status = 200;
  }
  static void Add(FieldList fields, http::HeaderMap& headers) {
    for (const auto& [name, value] : fields) headers.Add(name, value);
  }
};

inline std::unique_ptr<Heads> Request(FieldList fields) {
  auto heads = std::make_unique<Heads>();
  Heads::Add(fields, heads->request.headers);
  return heads;
}

inline std::unique_ptr<Heads> Response(uint16_t status, FieldList fields) {
  auto heads = std::make_unique<Heads>();
  heads->response.status = status;
  Heads::Add(fields, heads->response.headers);
  return heads;
}

}  // namespace proxenos::cache
