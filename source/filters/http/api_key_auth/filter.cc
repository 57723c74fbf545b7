// Keys, where they stand, and whose they are.
#include "source/filters/http/api_key_auth/filter.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "openssl/sha.h"
#include "source/http/cookie.h"
#include "source/http/path.h"
#include "source/http/percent.h"
#include "source/http/query.h"

namespace proxenos::filters::api_key_auth {
namespace {

using filter::Verdict;

std::string DigestOf(absl::string_view key) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(key.data()), key.size(), digest);
  return std::string(reinterpret_cast<const char*>(digest), sizeof(digest));
}

// Takes every cookie of that name away.
void RemoveCookie(absl::string_view name, http::HeaderMap& headers) {
  const auto is_named = [name](absl::string_view pair) {
    pair = absl::StripAsciiWhitespace(pair);
    return pair.substr(0, pair.find('=')) == name;
  };
  for (http::Header& field : headers) {
    if (field.id != http::HeaderId::kCookie) continue;
    std::vector<absl::string_view> kept;
    size_t count = 0;
    for (absl::string_view pair : absl::StrSplit(field.value(), ';')) {
      ++count;
      if (!is_named(pair)) kept.push_back(absl::StripAsciiWhitespace(pair));
    }
    if (kept.size() == count) continue;
    const absl::string_view left = headers.arena().Copy(absl::StrJoin(kept, "; "));
    field.value_data = left.data();
    field.value_size = static_cast<uint32_t>(left.size());
  }
  headers.RemoveIf([](const http::Header& field) {
    return field.id == http::HeaderId::kCookie && field.value().empty();
  });
}

}  // namespace

bool Keys::Add(absl::string_view key, std::string client) {
  return clients_.emplace(DigestOf(key), std::move(client)).second;
}

const std::string* Keys::ClientOf(absl::string_view key) const {
  const auto it = clients_.find(DigestOf(key));
  return it == clients_.end() ? nullptr : &it->second;
}

ApiKeyAuth::ApiKeyAuth(const Settings& settings, const Settings* route,
                       const filter::FilterFactory& factory, filter::StreamContext& stream)
    : keys_(route != nullptr && !route->keys.empty() ? route->keys : settings.keys),
      sources_(route != nullptr && !route->sources.empty() ? route->sources : settings.sources),
      forwarding_(route != nullptr && route->has_forwarding ? route->forwarding
                                                            : settings.forwarding),
      route_(route),
      stream_(stream),
      part_(static_cast<ApiKeyPart*>(stream.worker_part(factory))) {}

absl::string_view ApiKeyAuth::FindKey(const http::RequestHead& head) const {
  for (const KeySource& source : sources_) {
    absl::string_view value;
    switch (source.kind) {
      case KeySource::Kind::kHeader: {
        const http::Header* header = head.headers.Find(source.name);
        if (header != nullptr) value = header->value();
        absl::ConsumePrefix(&value, "Bearer ");
        break;
      }
      case KeySource::Kind::kQuery:
        if (!http::FindQueryParameter(head.path, source.name, &value)) continue;
        if (absl::StrContains(value, '%')) value = stream_.arena.Copy(http::PercentDecoded(value));
        break;
      case KeySource::Kind::kCookie:
        if (!http::FindCookie(head.headers, source.name, &value)) continue;
        break;
    }
    if (!value.empty()) return value;
  }
  return absl::string_view();
}

void ApiKeyAuth::Hide(http::RequestHead& head) const {
  for (const KeySource& source : sources_) {
    switch (source.kind) {
      case KeySource::Kind::kHeader:
        head.headers.Remove(source.name);
        break;
      case KeySource::Kind::kQuery: {
        absl::string_view value;
        if (!http::FindQueryParameter(head.path, source.name, &value)) break;
        head.path = stream_.arena.Copy(http::RemoveQueryParameter(head.path, source.name));
        break;
      }
      case KeySource::Kind::kCookie:
        RemoveCookie(source.name, head.headers);
        break;
    }
  }
}

Verdict ApiKeyAuth::OnRequestHeaders(http::RequestHead& head, bool) {
  const absl::string_view key = FindKey(head);
  const std::string* client = key.empty() ? nullptr : keys_.ClientOf(key);
  if (client == nullptr) {
    if (part_ != nullptr) part_->stats->unauthorized.Inc();
    stream_.Reply(401, "Client authentication failed.",
                  key.empty() ? "missing_api_key" : "unknown_api_key", 0);
    return Verdict::kReplied;
  }
  if (route_ != nullptr && !route_->allowed.empty() && !route_->allowed.contains(*client)) {
    if (part_ != nullptr) part_->stats->forbidden.Inc();
    stream_.Reply(403, "Client is forbidden.", "client_not_allowed", 0);
    return Verdict::kReplied;
  }
  if (part_ != nullptr) part_->stats->allowed.Inc();
  if (forwarding_.hide) Hide(head);
  if (!forwarding_.header.empty()) head.headers.Set(forwarding_.header, *client);
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::api_key_auth
