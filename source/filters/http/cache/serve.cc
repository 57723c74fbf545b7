// How what is stored becomes an answer: conditions, ranges, Age (RFC 9111, section 4).
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/cache/byte_range.h"
#include "source/cache/conditions.h"
#include "source/filters/http/cache/filter.h"

namespace proxenos::filters::cache {

using http::Framing;
using http::HeaderId;
using store::ByteRange;

namespace {

// Of a 304 nobody needs what describes the content that it does not have (RFC 9110, 15.4.5).
bool DescribesContent(HeaderId id, absl::string_view name) {
  return id == HeaderId::kContentLength || id == HeaderId::kContentType ||
         id == HeaderId::kContentEncoding || name == "content-language" || name == "content-range";
}

void AddNumber(HeaderId id, uint64_t value, http::HeaderMap& headers) {
  char digits[absl::numbers_internal::kFastToBufferSize];
  const char* end = absl::numbers_internal::FastIntToBuffer(value, digits);
  headers.Add(id, absl::string_view(digits, static_cast<size_t>(end - digits)));
}

bool HasNoContent(uint16_t status) { return status == 204 || status == 304; }

}  // namespace

void Cache::Serve(const store::StoredHead& head, const store::Body* body,
                  store::CacheStatus status) {
  state_ = State::kServing;
  const int64_t seconds = now() / kWallSecond;
  const http::HeaderMap& asked = client_headers();
  // Before the request's fields change hands; a response still under way may not know its length.
  std::optional<uint64_t> length = head.content_length;
  if (body != nullptr) length = body->size();
  uint16_t code = head.status;
  ByteRange range;
  if (length) range.size = *length;
  // Preconditions are for what would succeed (RFC 9110, section 13.2.1).
  if (head.status == 200) {
    if (store::Evaluate(asked, head.validators, seconds) == store::Condition::kNotModified) {
      code = 304;
    } else if (!head_request_ && length && asked.Has(HeaderId::kRange) &&
               asked.Count(HeaderId::kRange) == 1 &&
               store::IfRangeHolds(asked, head.validators, seconds)) {
      range = store::ReadRange(asked.Get(HeaderId::kRange), *length);
      if (range.kind == ByteRange::Kind::kPart) code = 206;
      if (range.kind == ByteRange::Kind::kUnsatisfiable) code = 416;
    }
  }
  stream_.Reply(code, "", kDetails, filter::kResponseFromCacheFilter);
  stream_.KeepReply();
  http::HeaderMap& headers = stream_.response.headers;
  headers.Clear();
  for (const http::Header& field : head.fields()) {
    if (field.id == HeaderId::kContentLength) continue;
    if (code == 304 && DescribesContent(field.id, field.name())) continue;
    headers.AddView(field.id, field.name(), field.value());
  }
  AddNumber(HeaderId::kAge, static_cast<uint64_t>(std::max<int64_t>(head.policy.AgeAt(now()), 0)),
            headers);
  if (settings_.shows_status) {
    store::AppendCacheStatus(store::Render(settings_.status_name, status), headers);
  }
  if (code == 206) {
    headers.Add("content-range", absl::StrCat("bytes ", range.first, "-",
                                              range.first + range.size - 1, "/", *length));
  } else if (code == 416) {
    headers.Set("content-range", absl::StrCat("bytes */", *length));
  }
  Framing& framing = stream_.response.framing;
  framing = Framing{};
  if (HasNoContent(code)) return;
  if (length) AddNumber(HeaderId::kContentLength, range.size, headers);
  if (head_request_) return;
  if (!length) {
    framing.kind = Framing::kChunked;
  } else {
    framing = Framing{Framing::kLength, range.size};
  }
  if (body != nullptr) {
    if (range.size > 0) body->AppendTo(stream_.response_in.body, range.first, range.size);
    return;
  }
  read_at_ = range.first;
  read_end_ = length ? range.first + range.size : UINT64_MAX;
  stream_.response_in.end = read_at_ == read_end_;
}

}  // namespace proxenos::filters::cache
