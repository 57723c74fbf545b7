// The slow ways through a section: lines that are wrong or not complete.
#include "source/http1/field_section.h"

#include <cstring>

namespace proxenos::http1 {
namespace {

const char* FindLineFeed(const char* from, const char* end) {
  if (from >= end) return nullptr;
  return static_cast<const char*>(std::memchr(from, '\n', static_cast<size_t>(end - from)));
}

}  // namespace

bool FieldSection::LineFeedCame(const char* end) {
  const char* from = line() + unfinished_;
  examined_ += static_cast<uint64_t>(end - from);
  return FindLineFeed(from, end) != nullptr;
}

SectionStatus FieldSection::Unfinished(const char* end) {
  const uint32_t size = static_cast<uint32_t>(end - line());
  if (unfinished_ == 0) examined_ += size;
  unfinished_ = size;
  if (static_cast<uint64_t>(end - base_) <= max_bytes_) return SectionStatus::kMore;
  error_ = limit_error_;
  return SectionStatus::kError;
}

SectionStatus FieldSection::Refuse(http::CodecError error, const char* end) {
  const char* line_feed = FindLineFeed(line(), end);
  examined_ += static_cast<uint64_t>((line_feed == nullptr ? end : line_feed) - line());
  if (line_feed == nullptr) return Unfinished(end);
  error_ = static_cast<uint64_t>(line_feed + 1 - base_) > max_bytes_ ? limit_error_ : error;
  return SectionStatus::kError;
}

}  // namespace proxenos::http1
