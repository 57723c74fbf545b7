// Writing of fields, in runs where they allow it.
#include "source/http1/head_writer.h"

#include <array>

#include "source/base/limits.h"
#include "source/http/chars.h"
#include "source/http/checked_copy.h"
#include "source/http/percent.h"

namespace proxenos::http1 {
namespace {

using http::Header;
using http::HeaderId;

// Fields that only the encoder itself writes, from the typed parts of a head.
constexpr std::array<bool, static_cast<size_t>(HeaderId::kCount)> kOwned = [] {
  std::array<bool, static_cast<size_t>(HeaderId::kCount)> table{};
  for (HeaderId id : {HeaderId::kConnection, HeaderId::kContentLength, HeaderId::kHost,
                      HeaderId::kHttp2Settings, HeaderId::kKeepAlive, HeaderId::kProxyConnection,
                      HeaderId::kTe, HeaderId::kTransferEncoding, HeaderId::kUpgrade}) {
    table[static_cast<size_t>(id)] = true;
  }
  return table;
}();

// Whether the bytes of the field lie as they will be written. The two bytes between name and value
// are read only when the pointers say that they are in between.
bool IsAsWritten(const Header& field) {
  const char* name_end = field.name_data + field.name_size;
  return field.value_data == name_end + 2 && std::memcmp(name_end, ": ", 2) == 0;
}

}  // namespace

uint64_t HeadWriter::FieldBytes(const http::HeaderMap& headers) {
  return headers.ByteSize() + uint64_t{4} * headers.size();
}

absl::string_view HeadWriter::Decimal(uint64_t value, char (&digits)[20]) {
  char* p = digits + 20;
  do {
    *--p = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return absl::string_view(p, static_cast<size_t>(digits + 20 - p));
}

HeadWriter::HeadWriter(buffer::Buffer& out, uint64_t max_bytes) : out_(out) {
  if (max_bytes <= base::limits::kSlabBytes) {
    begin_ = out.Reserve(static_cast<uint32_t>(max_bytes));
  } else {
    CHECK(max_bytes <= UINT32_MAX);
    own_ = buffer::Slice::WithCapacity(static_cast<uint32_t>(max_bytes));
    begin_ = own_.data();
  }
  p_ = begin_;
}

void HeadWriter::Finish() {
  const uint32_t size = static_cast<uint32_t>(p_ - begin_);
  if (own_.data() == nullptr) {
    out_.Commit(size);
  } else {
    own_.Grow(size);
    out_.Append(std::move(own_));
  }
}

void HeadWriter::WriteMethod(absl::string_view method) {
  for (char c : method) *p_++ = http::IsTokenChar(c) ? c : '_';
}

void HeadWriter::WriteTarget(absl::string_view text) {
  if (http::CopyTarget(p_, text.data(), text.size())) {
    p_ += text.size();
    return;
  }
  p_ = http::WritePercentEncoded(p_, text, http::IsTargetChar);
}

void HeadWriter::WriteValue(absl::string_view text) {
  if (!http::CopyValue(p_, text.data(), text.size())) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (!http::IsValueChar(p_[i])) p_[i] = ' ';
    }
  }
  p_ += text.size();
}

// Case is all that changes, so every name has its place. No value holds a line's end.
void HeadWriter::Respell(const http::NameSpellings* spellings) {
  const auto find = [this](char* from, char byte) {
    return static_cast<char*>(std::memchr(from, byte, static_cast<size_t>(p_ - from)));
  };
  for (char* line = find(begin_, '\n') + 1; *line != '\r'; line = find(line, '\n') + 1) {
    const auto size = static_cast<size_t>(find(line, ':') - line);
    if (spellings == nullptr) {
      http::WriteAsWords(line, size);
    } else {
      spellings->Write(line, size);
    }
  }
}

void HeadWriter::WriteField(const Header& field) {
  WriteValue(field.name());
  Write(": ");
  WriteValue(field.value());
  Write("\r\n");
}

void HeadWriter::WriteFields(const http::HeaderMap& headers, const Header* length_field) {
  const auto is_left_out = [length_field](const Header* field) {
    return kOwned[static_cast<size_t>(field->id)] && field != length_field;
  };
  const Header* const end = headers.end();
  for (const Header* first = headers.begin(); first != end;) {
    if (is_left_out(first)) {
      ++first;
      continue;
    }
    if (!IsAsWritten(*first)) {
      WriteField(*first++);
      continue;
    }
    // As many more fields as follow in the source. Line ends between them are the only controls
    // that the copy may meet.
    const char* run_end = first->value_data + first->value_size;
    const Header* next = first + 1;
    while (next != end && next->name_data == run_end + 2 && std::memcmp(run_end, "\r\n", 2) == 0 &&
           IsAsWritten(*next) && !is_left_out(next)) {
      run_end = next->value_data + next->value_size;
      ++next;
    }
    const size_t size = static_cast<size_t>(run_end - first->name_data);
    const size_t line_ends = 2 * static_cast<size_t>(next - first - 1);
    if (http::CopyCountingControls(p_, first->name_data, size) == line_ends) {
      p_ += size;
      Write("\r\n");
      first = next;
    } else {
      while (first != next) WriteField(*first++);
    }
  }
}

}  // namespace proxenos::http1
