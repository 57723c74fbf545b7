// Headers, query parameters, cookies.
#include "source/filters/http/jwt_authn/extraction.h"

#include "absl/strings/ascii.h"
#include "source/http/cookie.h"
#include "source/http/query.h"

namespace proxenos::filters::jwt_authn {
namespace {

// What follows the prefix, as far as it could be a token.
absl::string_view AfterPrefix(absl::string_view value, absl::string_view prefix) {
  const size_t start = value.find(prefix);
  if (start == absl::string_view::npos) return absl::string_view();
  value.remove_prefix(start + prefix.size());
  size_t size = 0;
  while (size < value.size() && (absl::ascii_isalnum(static_cast<unsigned char>(value[size])) ||
                                 value[size] == '-' || value[size] == '_' || value[size] == '.')) {
    ++size;
  }
  return value.substr(0, size);
}

void FindInHeaders(const Place& place, const http::HeaderMap& headers, std::vector<Found>* out) {
  for (const http::Header& field : headers) {
    if (field.name() != place.name) continue;
    const absl::string_view text =
        place.prefix.empty() ? field.value() : AfterPrefix(field.value(), place.prefix);
    if (!text.empty()) out->push_back({&place, text});
  }
}

}  // namespace

std::vector<Found> FindTokens(const std::vector<Place>& places, const http::RequestHead& head) {
  std::vector<Found> found;
  for (const Place& place : places) {
    const auto take = [&found, &place](absl::string_view text) {
      if (!text.empty()) found.push_back({&place, text});
      return true;
    };
    switch (place.kind) {
      case Place::Kind::kHeader:
        FindInHeaders(place, head.headers, &found);
        break;
      case Place::Kind::kParameter:
        http::ForEachQueryParameter(head.path, place.name, take);
        break;
      case Place::Kind::kCookie:
        http::ForEachCookie(head.headers, place.name, take);
        break;
    }
  }
  return found;
}

void RemoveToken(const Place& place, http::RequestHead& head) {
  if (place.kind == Place::Kind::kHeader) {
    head.headers.Remove(absl::string_view(place.name));
  } else if (place.kind == Place::Kind::kParameter) {
    head.path = head.headers.arena().Copy(http::RemoveQueryParameter(head.path, place.name));
  }
}

}  // namespace proxenos::filters::jwt_authn
