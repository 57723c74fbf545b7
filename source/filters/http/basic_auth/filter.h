// BasicAuth: lets requests pass that name a user and a password of its list (RFC 7617).
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::basic_auth {

// Users by name, with the SHA-1 digests of their passwords, as htpasswd writes them ({SHA}).
// Thread: any (immutable).
using Digest = std::array<uint8_t, 20>;
using Users = absl::flat_hash_map<std::string, Digest>;

// Lines "NAME:{SHA}DIGEST"; empty ones and those that begin with # are none. False with what is
// wrong, which tells no secret.
bool ParseUsers(absl::string_view text, Users* users, std::string* problem);

// Whether it is that user's password. Takes as long whether there is such a user or not.
bool IsPassword(const Users& users, absl::string_view name, absl::string_view password);

// envoy.extensions.filters.http.basic_auth.v3.BasicAuth
struct Settings {
  Users users;
  std::string forward_header;  // Lower case; empty: none.
  std::string header;          // Lower case, of the credentials.
  bool allow_missing = false;
  bool keeps_user = false;  // emit_dynamic_metadata
};
// BasicAuthPerRoute: users in the place of the filter's.
struct RouteSettings {
  Users users;
};

// Scope: "basic_auth." below HttpScope. One group a worker.
#define PX_BASIC_AUTH_STATS(X) \
  X(Counter, allowed)          \
  X(Counter, denied)
PX_STATS(BasicAuthStats, PX_BASIC_AUTH_STATS);

struct BasicAuthPart final : public filter::WorkerPart {
  stats::Group<BasicAuthStats> stats;
};

class BasicAuth final : public filter::HttpFilter {
 public:
  BasicAuth(const Settings& settings, const Users& users, const filter::FilterFactory& factory,
            filter::StreamContext& stream)
      : settings_(settings),
        users_(users),
        name_(factory.name.text()),
        stream_(stream),
        part_(static_cast<BasicAuthPart*>(stream.worker_part(factory))) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  filter::Verdict Refuse(absl::string_view body, absl::string_view details);
  filter::Verdict Pass();

  const Settings& settings_;
  const Users& users_;
  const std::string& name_;
  filter::StreamContext& stream_;
  BasicAuthPart* const part_;  // May be null.
};

}  // namespace proxenos::filters::basic_auth
