// ApiKeyAuth: lets requests pass that bring a key of its list, and says to the origin whose it is.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::api_key_auth {

// Clients by their keys' SHA-256 digests: how long a look-up takes tells nothing of a key.
// Thread: any (immutable).
class Keys {
 public:
  // False: the key is there already.
  bool Add(absl::string_view key, std::string client);
  // Null: nobody's.
  const std::string* ClientOf(absl::string_view key) const;
  bool empty() const { return clients_.empty(); }

 private:
  absl::flat_hash_map<std::string, std::string> clients_;
};

struct KeySource {
  enum class Kind : uint8_t { kHeader, kQuery, kCookie };
  Kind kind;
  std::string name;  // Of a header in lower case.
};

struct Forwarding {
  std::string header;  // Lower case; empty: none.
  bool hide = false;   // hide_credentials
};

// ApiKeyAuth, or ApiKeyAuthPerRoute: what a route does not say is the filter's.
struct Settings {
  Keys keys;
  std::vector<KeySource> sources;
  Forwarding forwarding;
  bool has_forwarding = false;
  absl::flat_hash_set<std::string> allowed;  // Clients; empty: all. Of routes only.
};

// Scope: "api_key_auth." below HttpScope. One group a worker.
#define PX_API_KEY_STATS(X) \
  X(Counter, allowed)       \
  X(Counter, unauthorized)  \
  X(Counter, forbidden)
PX_STATS(ApiKeyStats, PX_API_KEY_STATS);

struct ApiKeyPart final : public filter::WorkerPart {
  stats::Group<ApiKeyStats> stats;
};

class ApiKeyAuth final : public filter::HttpFilter {
 public:
  // `route` may be null.
  ApiKeyAuth(const Settings& settings, const Settings* route, const filter::FilterFactory& factory,
             filter::StreamContext& stream);

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  // The key that the first source has; it lives in the request. Empty: none has.
  absl::string_view FindKey(const http::RequestHead& head) const;
  void Hide(http::RequestHead& head) const;

  const Keys& keys_;
  const std::vector<KeySource>& sources_;
  const Forwarding& forwarding_;
  const Settings* const route_;
  filter::StreamContext& stream_;
  ApiKeyPart* const part_;  // May be null.
};

}  // namespace proxenos::filters::api_key_auth
