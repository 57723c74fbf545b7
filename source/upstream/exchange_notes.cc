// Sizes of heads.
#include "source/upstream/exchange_notes.h"

#include "absl/strings/string_view.h"

namespace proxenos::upstream {
namespace {

uint64_t ControlBytes(absl::string_view name, absl::string_view value) {
  return value.empty() ? 0 : name.size() + value.size();
}

}  // namespace

uint64_t FieldBytes(const http::RequestHead& head) {
  return head.headers.ByteSize() + ControlBytes(":method", head.method_text) +
         ControlBytes(":path", head.path) + ControlBytes(":authority", head.authority) +
         ControlBytes(":scheme", head.scheme);
}

uint64_t FieldBytes(const http::ResponseHead& head) {
  return head.headers.ByteSize() + ControlBytes(":status", "200");
}

}  // namespace proxenos::upstream
