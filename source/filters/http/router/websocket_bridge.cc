// Keys and their answers.
#include "source/filters/http/router/websocket_bridge.h"

#include <cstring>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "openssl/sha.h"

namespace proxenos::filters::router {
namespace {

constexpr absl::string_view kKey = "sec-websocket-key";
constexpr absl::string_view kAccept = "sec-websocket-accept";
constexpr absl::string_view kVersion = "sec-websocket-version";

bool IsWebSocket(const http::RequestHead& request) {
  return absl::EqualsIgnoreCase(request.upgrade, "websocket");
}

std::string NewKey(base::Random& random) {
  const uint64_t words[2] = {random.Next(), random.Next()};
  char bytes[sizeof(words)];
  std::memcpy(bytes, words, sizeof(words));
  return absl::Base64Escape(absl::string_view(bytes, sizeof(bytes)));
}

// RFC 6455, section 4.2.2, item 5.4.
std::string AnswerTo(absl::string_view key) {
  const std::string text = absl::StrCat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  uint8_t digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), sizeof(digest)));
}

}  // namespace

void WebSocketBridge::Prepare(http::RequestHead& request, http::Version upstream,
                              base::Random& random) {
  if (!IsWebSocket(request)) return;
  http::HeaderMap& headers = request.headers;
  if (own_key_) headers.Remove(kKey);  // Of an attempt before this.
  own_key_ = upstream != http::Version::kHttp2 && headers.Find(kKey) == nullptr &&
             request.version == http::Version::kHttp2;
  if (!own_key_) return;
  headers.Add(kKey, NewKey(random));
  if (headers.Find(kVersion) == nullptr) headers.Add(kVersion, "13");
}

bool WebSocketBridge::Finish(const http::RequestHead& request, http::ResponseHead& response) const {
  if (response.status != 101 || !IsWebSocket(request)) return true;
  const http::Header* key = request.headers.Find(kKey);
  const http::Header* answer = response.headers.Find(kAccept);
  if (own_key_) {
    if (answer == nullptr || answer->value() != AnswerTo(key->value())) return false;
    response.headers.Remove(kAccept);
  } else if (key != nullptr && answer == nullptr && response.version == http::Version::kHttp2) {
    response.headers.Add(kAccept, AnswerTo(key->value()));
  }
  return true;
}

}  // namespace proxenos::filters::router
