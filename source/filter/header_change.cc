// What may be changed, and how.
#include "source/filter/header_change.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "source/http/chars.h"

namespace proxenos::filter {
namespace {

// In lower case: a name in upper case is not one.
bool IsToken(absl::string_view name) {
  return !name.empty() && name.size() <= UINT16_MAX &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return http::IsTokenChar(c) && http::TokenLower(c) == c; });
}

bool IsValue(absl::string_view value) {
  return std::all_of(value.begin(), value.end(), http::IsValueChar);
}

// Where a message ends, and whom it goes to: the codecs' own (message.h).
bool IsOfCodec(absl::string_view name) {
  static constexpr absl::string_view kNames[] = {
      "connection", "content-length",   "http2-settings",
      "keep-alive", "proxy-connection", "transfer-encoding",
      "te",         "upgrade"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

bool IsTarget(absl::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), http::IsTargetChar);
}

void SetControl(const HeaderChange& change, http::RequestHead& head) {
  if (!IsTarget(change.value)) return;
  const absl::string_view value = head.headers.arena().Copy(change.value);
  if (change.name == ":path" && value[0] == '/') {
    head.path = value;
  } else if (change.name == ":authority" || change.name == "host") {
    head.authority = value;
  } else if (change.name == ":scheme" && (value == "http" || value == "https")) {
    head.scheme = value;
  } else if (change.name == ":method" && IsValue(value) &&
             http::ParseMethod(value) != http::Method::kConnect &&
             head.method != http::Method::kConnect) {
    head.method_text = value;
    head.method = http::ParseMethod(value);
  }
}

}  // namespace

bool IsValidName(absl::string_view name) { return IsToken(name); }

bool IsValid(const HeaderChange& change) {
  const absl::string_view name = change.name;
  return IsValue(change.value) && IsToken(!name.empty() && name[0] == ':' ? name.substr(1) : name);
}

void Apply(const HeaderChange& change, http::RequestHead& head) {
  if (!change.name.empty() && (change.name[0] == ':' || change.name == "host")) {
    if (change.how != HeaderChange::How::kAddIfAbsent) SetControl(change, head);
    return;
  }
  Apply(change, head.headers);
}

void Apply(const HeaderChange& change, http::HeaderMap& headers) {
  using How = HeaderChange::How;
  if (!IsValid(change) || change.name[0] == ':' || IsOfCodec(change.name)) return;
  const http::Header* present = headers.Find(absl::string_view(change.name));
  switch (change.how) {
    case How::kAdd:
      headers.Add(change.name, change.value);
      return;
    case How::kAddIfAbsent:
      if (present == nullptr) headers.Add(change.name, change.value);
      return;
    case How::kJoinToPresent:
      if (present == nullptr) return;
      for (http::Header& field : headers) {
        if (field.name() != change.name) continue;
        const absl::string_view joined =
            headers.arena().Copy(absl::StrCat(field.value(), ",", change.value));
        field.value_data = joined.data();
        field.value_size = static_cast<uint32_t>(joined.size());
        return;
      }
      return;
    case How::kOverwritePresent:
      if (present == nullptr) return;
      break;
    case How::kSet:
      break;
  }
  headers.Set(absl::string_view(change.name), change.value);
}

void RemoveField(absl::string_view lower_case_name, http::HeaderMap& headers) {
  if (lower_case_name.empty() || lower_case_name[0] == ':' || lower_case_name == "host" ||
      IsOfCodec(lower_case_name)) {
    return;
  }
  headers.Remove(lower_case_name);
}

}  // namespace proxenos::filter
