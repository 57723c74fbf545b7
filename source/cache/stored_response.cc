// Heads as they are kept.
#include "source/cache/stored_response.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "source/http/date.h"

namespace proxenos::cache {
namespace {

using http::HeaderId;

bool Contains(absl::Span<const absl::string_view> names, absl::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [name](absl::string_view one) { return absl::EqualsIgnoreCase(one, name); });
}

// What tells how the bytes of this very body are to be read, which no other response changes.
bool DescribesBody(const http::Header& header) {
  return header.id == HeaderId::kContentLength || header.id == HeaderId::kContentEncoding ||
         header.name() == "content-range" || header.name() == "content-md5";
}

}  // namespace

// What codecs have not taken out already. Set-Cookie is for one client; Age and Cache-Status are
// those of each answer.
bool IsNeverStored(HeaderId id, absl::string_view name) {
  switch (id) {
    case HeaderId::kAge:
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyAuthenticate:
    case HeaderId::kProxyAuthorization:
    case HeaderId::kProxyConnection:
    case HeaderId::kSetCookie:
    case HeaderId::kTe:
    case HeaderId::kTrailer:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
    case HeaderId::kXEnvoyUpstreamServiceTime:
      return true;
    case HeaderId::kUnknown:
      return name == "proxy-authentication-info" || name == "set-cookie2";
    default:
      return false;
  }
}

uint64_t StoredHead::memory() const {
  uint64_t bytes = sizeof(StoredHead) + bytes_.capacity() + selecting.capacity() +
                   extra.capacity() + fields_.capacity() * sizeof(http::Header);
  for (const auto* list : {&vary, &tags}) {
    bytes += list->capacity() * sizeof(std::string);
    for (const std::string& text : *list) bytes += text.capacity();
  }
  return bytes;
}

void HeadBuilder::Add(const http::HeaderMap& headers,
                      absl::Span<const absl::string_view> withheld) {
  for (const http::Header& header : headers) {
    if (IsNeverStored(header.id, header.name()) || Contains(withheld, header.name())) continue;
    fields_.push_back({header.id, std::string(header.name()), std::string(header.value())});
  }
}

void HeadBuilder::Update(const StoredHead& stored, const http::HeaderMap& headers,
                         absl::Span<const absl::string_view> withheld) {
  const bool tagged = !stored.validators.etag.empty();
  const auto replaces = [tagged](const http::Header& header) {
    // A tag that stored bytes have is theirs (section 4.3.4).
    if (header.id == HeaderId::kEtag && tagged) return false;
    return !DescribesBody(header) && !IsNeverStored(header.id, header.name());
  };
  for (const http::Header& old : stored.fields()) {
    const bool replaced =
        std::any_of(headers.begin(), headers.end(), [&](const http::Header& header) {
          return header.name() == old.name() && replaces(header);
        });
    if (replaced || old.id == HeaderId::kDate || Contains(withheld, old.name())) continue;
    fields_.push_back({old.id, std::string(old.name()), std::string(old.value())});
  }
  for (const http::Header& header : headers) {
    if (!replaces(header) || Contains(withheld, header.name())) continue;
    fields_.push_back({header.id, std::string(header.name()), std::string(header.value())});
  }
}

void HeadBuilder::Add(absl::string_view name, absl::string_view value) {
  fields_.push_back({http::LookUpHeader(name), std::string(name), std::string(value)});
}

bool HeadBuilder::Has(absl::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [name](const Field& field) { return field.name == name; });
}

void HeadBuilder::Finish(int64_t now_seconds, StoredHead& head) {
  if (!Has("date")) {
    char date[http::kDateSize];
    http::FormatDate(now_seconds, date);
    Add("date", absl::string_view(date, sizeof(date)));
  }
  size_t bytes = 0;
  for (const Field& field : fields_) bytes += field.name.size() + field.value.size();
  head.bytes_.clear();
  head.bytes_.reserve(bytes);
  head.fields_.clear();
  head.fields_.reserve(fields_.size());
  for (const Field& field : fields_) {
    const char* at = head.bytes_.data() + head.bytes_.size();
    head.bytes_ += field.name;
    head.bytes_ += field.value;
    head.fields_.push_back(http::Header{at, at + field.name.size(),
                                        static_cast<uint32_t>(field.value.size()),
                                        static_cast<uint16_t>(field.name.size()), field.id});
  }
  head.validators = Validators();
  head.content_length.reset();
  for (const http::Header& field : head.fields_) {
    uint64_t length;
    if (field.id == HeaderId::kEtag && head.validators.etag.empty()) {
      head.validators.etag = field.value();
    } else if (field.id == HeaderId::kLastModified && !head.validators.last_modified) {
      head.validators.last_modified = http::ParseDate(field.value(), now_seconds);
    } else if (field.id == HeaderId::kDate && !head.validators.date) {
      head.validators.date = http::ParseDate(field.value(), now_seconds);
    } else if (field.id == HeaderId::kContentLength && absl::SimpleAtoi(field.value(), &length)) {
      head.content_length = length;
    }
  }
}

}  // namespace proxenos::cache
