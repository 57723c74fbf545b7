// ScopeName: what stands before the last part of a stat's name, such as `cluster.foo.`, and the
// tags in it. The shape says which parts are tags, so no regular expression has to guess it back: a
// cluster named `a.b` has envoy_cluster_name="a.b".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::stats {

// The tags are those that Envoy extracts by default.
struct ScopeShape {
  static constexpr size_t kMaxTags = 2;

  absl::string_view pattern;  // the prefix, with '$' where a value stands
  absl::string_view family;   // the prefix without its values: what Prometheus shows
  std::array<absl::string_view, kMaxTags> tags = {};
};

// Thread: any. A value.
class ScopeName {
 public:
  // REQUIRES: one value for each '$' of the pattern; `shape` is static.
  ScopeName(const ScopeShape& shape, std::initializer_list<absl::string_view> values);

  const ScopeShape& shape() const { return *shape_; }
  // "cluster.foo."
  const std::string& prefix() const { return prefix_; }
  size_t tag_count() const { return tag_count_; }
  absl::string_view tag_value(size_t i) const {
    return absl::string_view(prefix_).substr(tags_[i].start, tags_[i].size);
  }

 private:
  struct Slice {
    uint32_t start = 0;
    uint32_t size = 0;
  };

  const ScopeShape* shape_;
  std::string prefix_;
  std::array<Slice, ScopeShape::kMaxTags> tags_ = {};
  uint32_t tag_count_ = 0;
};

// A name's part as stat names show it: Envoy writes '_' for ':' (also "://" and ":/"). We do so for
// control characters too, which would let a name forge lines of the output.
std::string Sanitized(absl::string_view part);

// The scopes of the process that need no value.
inline constexpr ScopeShape kServerScope{"server.", "server."};
// Of the main thread's loop.
inline constexpr ScopeShape kServerDispatcherScope{"server.dispatcher.", "server.dispatcher."};
inline constexpr ScopeShape kControlPlaneScope{"control_plane.", "control_plane."};
inline constexpr ScopeShape kClusterManagerScope{"cluster_manager.", "cluster_manager."};
inline constexpr ScopeShape kCdsScope{"cluster_manager.cds.", "cluster_manager.cds."};
inline constexpr ScopeShape kListenerManagerScope{"listener_manager.", "listener_manager."};
inline constexpr ScopeShape kLdsScope{"listener_manager.lds.", "listener_manager.lds."};
inline constexpr ScopeShape kRuntimeScope{"runtime.", "runtime."};
inline constexpr ScopeShape kAdminListenerScope{"listener.admin.", "listener.admin."};
// Of the HTTP/2 sessions of all connection managers, as in Envoy.
inline constexpr ScopeShape kHttp2Scope{"http2.", "http2."};
inline constexpr ScopeShape kFilesystemScope{"filesystem.", "filesystem."};

// cluster.NAME.
ScopeName ClusterScope(absl::string_view cluster);
// cluster.NAME.circuit_breakers.default.
ScopeName CircuitBreakerScope(absl::string_view cluster);
ScopeName HighCircuitBreakerScope(absl::string_view cluster);
// cluster.NAME.http2. and cluster.NAME.ssl.
ScopeName ClusterHttp2Scope(absl::string_view cluster);
ScopeName ClusterTlsScope(absl::string_view cluster);
// cluster.NAME.ssl.ciphers.CIPHER and the like: whole names of single counters (AgreementStats).
enum class TlsAgreement : uint8_t { kCipher, kVersion, kGroup, kSignature };
ScopeName ClusterTlsAgreementScope(absl::string_view cluster, TlsAgreement kind,
                                   absl::string_view name);
ScopeName ListenerTlsAgreementScope(absl::string_view address, TlsAgreement kind,
                                    absl::string_view name);
// sds.NAME.
ScopeName SecretScope(absl::string_view secret);
// http.PREFIX.
ScopeName HttpScope(absl::string_view stat_prefix);
// tcp.PREFIX.
ScopeName TcpScope(absl::string_view stat_prefix);
// connection_limit.PREFIX. and local_rate_limit.PREFIX.
ScopeName ConnectionLimitScope(absl::string_view stat_prefix);
ScopeName NetworkRateLimitScope(absl::string_view stat_prefix);
// listener.ADDRESS. (127.0.0.1_80, or the listener's stat_prefix)
ScopeName ListenerScope(absl::string_view address);
// listener.ADDRESS.ssl.
ScopeName ListenerTlsScope(absl::string_view address);
// listener.ADDRESS.http.PREFIX.
ScopeName ListenerHttpScope(absl::string_view address, absl::string_view stat_prefix);
// listener.ADDRESS.worker_N.
ScopeName ListenerWorkerScope(absl::string_view address, uint32_t worker);
// listener_manager.worker_N.dispatcher.
ScopeName WorkerDispatcherScope(uint32_t worker);

}  // namespace proxenos::stats
