// HeadWriter: writes the lines of a head into room that was measured before.
//
// Fields that still lie one behind the other as they came (`name: value CRLF name: value`) are
// written with one copy for all of them.
#pragma once

#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/http/message.h"
#include "source/http/name_spellings.h"

namespace proxenos::http1 {

class HeadWriter {
 public:
  // An upper bound of what WriteFields writes of `headers`.
  static uint64_t FieldBytes(const http::HeaderMap& headers);
  // The decimal text of `value` at the end of `digits`.
  static absl::string_view Decimal(uint64_t value, char (&digits)[20]);

  // Begins with room for `max_bytes` in `out`, which nobody else may write to until Finish.
  HeadWriter(buffer::Buffer& out, uint64_t max_bytes);
  HeadWriter(const HeadWriter&) = delete;
  HeadWriter& operator=(const HeadWriter&) = delete;

  // Text of our own.
  void Write(absl::string_view text) {
    std::memcpy(p_, text.data(), text.size());
    p_ += text.size();
  }
  template <size_t N>
  void Write(const char (&text)[N]) {
    std::memcpy(p_, text, N - 1);
    p_ += N - 1;
  }
  // Turns what may not stand in a method into underscores.
  void WriteMethod(absl::string_view method);
  // Percent-encodes what may not stand in a request line. Room: three times the size.
  void WriteTarget(absl::string_view text);
  // Turns what a value may not hold into spaces.
  void WriteValue(absl::string_view text);
  // All fields but those of the connection's own and Content-Length, of which only `length_field`
  // (may be nullptr) is written.
  void WriteFields(const http::HeaderMap& headers, const http::Header* length_field);

  // The head is complete: its names, the connection's own included, as the peer of the other side
  // wrote them, or where it is not known (nullptr) in the style of `names`.
  void SpellNames(const http::NameSpellings* spellings, http::NameStyle names) {
    if (spellings != nullptr || names == http::NameStyle::kWords) Respell(spellings);
  }

  void Finish();

 private:
  void WriteField(const http::Header& field);
  // As words, when `spellings` is nullptr.
  void Respell(const http::NameSpellings* spellings);

  buffer::Buffer& out_;
  buffer::Slice own_;  // The room, when it is more than the pool lends.
  char* begin_;
  char* p_;
};

}  // namespace proxenos::http1
