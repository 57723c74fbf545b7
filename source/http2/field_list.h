// FieldList: a head as the list of fields that nghttp2 compresses.
//
// Invariant: no name or value in it can mean more than itself when somebody writes it as HTTP/1:
// CR, LF, NUL and other controls in a value become spaces. Fields of a connection never get in.
// The list points into the head, which must live until it was packed.
#pragma once

#include <nghttp2/nghttp2.h>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "source/buffer/arena.h"
#include "source/http/message.h"

namespace proxenos::http2 {

class FieldList {
 public:
  FieldList() = default;
  FieldList(const FieldList&) = delete;
  FieldList& operator=(const FieldList&) = delete;

  // A response; to a HEAD request Content-Length is kept as it is.
  void AddResponse(const http::ResponseHead& head, uint16_t status, bool to_head);
  void AddRequest(const http::RequestHead& head);
  void AddTrailers(const http::HeaderMap& trailers);

  // Lets nghttp2 copy names and values, for a head that is not packed at once.
  void MakeCopied();

  const nghttp2_nv* data() const { return fields_.data(); }
  size_t size() const { return fields_.size(); }

 private:
  // What becomes of Content-Length.
  enum class Length : uint8_t { kDrop, kKeep, kExactly };

  void Add(absl::string_view name, absl::string_view value, uint8_t flags = 0);
  // As above, with what may stand in a value and no white space around it.
  void AddChecked(absl::string_view name, absl::string_view value, uint8_t flags = 0);
  void AddTarget(absl::string_view path);
  void AddFields(const http::HeaderMap& headers, Length rule, uint64_t length);

  absl::InlinedVector<nghttp2_nv, 32> fields_;
  char status_digits_[3];
  char length_digits_[20];
  buffer::Arena arena_;  // Of what had to be changed.
};

}  // namespace proxenos::http2
