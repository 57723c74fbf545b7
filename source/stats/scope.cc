// ScopeName and the shapes of the scopes that carry tags. See scope.h.
#include "source/stats/scope.h"

#include "absl/strings/str_cat.h"
#include "source/base/check.h"

namespace proxenos::stats {
namespace {

constexpr absl::string_view kClusterTag = "envoy.cluster_name";
constexpr absl::string_view kHttpTag = "envoy.http_conn_manager_prefix";
constexpr absl::string_view kListenerTag = "envoy.listener_address";
constexpr absl::string_view kWorkerTag = "envoy.worker_id";

constexpr ScopeShape kCluster{"cluster.$.", "cluster.", {kClusterTag}};
constexpr ScopeShape kCircuitBreaker{
    "cluster.$.circuit_breakers.default.", "cluster.circuit_breakers.default.", {kClusterTag}};
constexpr ScopeShape kHighCircuitBreaker{
    "cluster.$.circuit_breakers.high.", "cluster.circuit_breakers.high.", {kClusterTag}};
constexpr ScopeShape kClusterHttp2{"cluster.$.http2.", "cluster.http2.", {kClusterTag}};
constexpr ScopeShape kClusterTls{"cluster.$.ssl.", "cluster.ssl.", {kClusterTag}};
// By TlsAgreement; the tags are Envoy's, a cluster's ciphers included.
constexpr ScopeShape kClusterAgreements[] = {
    {"cluster.$.ssl.ciphers.$", "cluster.ssl.ciphers", {kClusterTag, "cipher_suite"}},
    {"cluster.$.ssl.versions.$", "cluster.ssl.versions", {kClusterTag, "envoy.ssl_version"}},
    {"cluster.$.ssl.curves.$", "cluster.ssl.curves", {kClusterTag, "envoy.ssl_curve"}},
    {"cluster.$.ssl.sigalgs.$", "cluster.ssl.sigalgs", {kClusterTag, "envoy.ssl_sigalg"}},
};
constexpr ScopeShape kListenerAgreements[] = {
    {"listener.$.ssl.ciphers.$", "listener.ssl.ciphers", {kListenerTag, "envoy.ssl_cipher"}},
    {"listener.$.ssl.versions.$", "listener.ssl.versions", {kListenerTag, "envoy.ssl_version"}},
    {"listener.$.ssl.curves.$", "listener.ssl.curves", {kListenerTag, "envoy.ssl_curve"}},
    {"listener.$.ssl.sigalgs.$", "listener.ssl.sigalgs", {kListenerTag, "envoy.ssl_sigalg"}},
};
constexpr ScopeShape kSecret{"sds.$.", "sds.", {"envoy.xds_resource_name"}};
constexpr ScopeShape kHttp{"http.$.", "http.", {kHttpTag}};
constexpr ScopeShape kTcp{"tcp.$.", "tcp.", {"envoy.tcp_prefix"}};
constexpr ScopeShape kConnectionLimit{
    "connection_limit.$.", "connection_limit.", {"envoy.connection_limit_prefix"}};
constexpr ScopeShape kNetworkRateLimit{
    "local_rate_limit.$.", "local_rate_limit.", {"envoy.local_network_ratelimit_prefix"}};
constexpr ScopeShape kListener{"listener.$.", "listener.", {kListenerTag}};
constexpr ScopeShape kListenerTls{"listener.$.ssl.", "listener.ssl.", {kListenerTag}};
constexpr ScopeShape kListenerHttp{
    "listener.$.http.$.", "listener.http.", {kListenerTag, kHttpTag}};
constexpr ScopeShape kListenerWorker{
    "listener.$.worker_$.", "listener.worker.", {kListenerTag, kWorkerTag}};
constexpr ScopeShape kWorkerDispatcher{
    "listener_manager.worker_$.dispatcher.", "listener_manager.worker.dispatcher.", {kWorkerTag}};

}  // namespace

ScopeName::ScopeName(const ScopeShape& shape, std::initializer_list<absl::string_view> values)
    : shape_(&shape) {
  CHECK(values.size() <= ScopeShape::kMaxTags);
  auto value = values.begin();
  for (const char c : shape.pattern) {
    if (c != '$') {
      prefix_.push_back(c);
      continue;
    }
    CHECK(value != values.end());
    const std::string part = Sanitized(*value++);
    tags_[tag_count_++] = {static_cast<uint32_t>(prefix_.size()),
                           static_cast<uint32_t>(part.size())};
    prefix_ += part;
  }
  CHECK(value == values.end());
  prefix_.shrink_to_fit();
}

std::string Sanitized(absl::string_view part) {
  std::string out;
  out.reserve(part.size());
  for (size_t i = 0; i < part.size(); ++i) {
    const auto c = static_cast<unsigned char>(part[i]);
    if (c != ':') {
      out.push_back(c < 0x20 || c == 0x7f ? '_' : part[i]);
      continue;
    }
    out.push_back('_');
    for (int slashes = 0; slashes < 2 && i + 1 < part.size() && part[i + 1] == '/'; ++slashes) ++i;
  }
  return out;
}

ScopeName ClusterScope(absl::string_view cluster) { return ScopeName(kCluster, {cluster}); }

ScopeName CircuitBreakerScope(absl::string_view cluster) {
  return ScopeName(kCircuitBreaker, {cluster});
}

ScopeName HighCircuitBreakerScope(absl::string_view cluster) {
  return ScopeName(kHighCircuitBreaker, {cluster});
}

ScopeName ClusterHttp2Scope(absl::string_view cluster) {
  return ScopeName(kClusterHttp2, {cluster});
}

ScopeName ClusterTlsScope(absl::string_view cluster) { return ScopeName(kClusterTls, {cluster}); }

ScopeName ClusterTlsAgreementScope(absl::string_view cluster, TlsAgreement kind,
                                   absl::string_view name) {
  return ScopeName(kClusterAgreements[static_cast<size_t>(kind)], {cluster, name});
}

ScopeName ListenerTlsAgreementScope(absl::string_view address, TlsAgreement kind,
                                    absl::string_view name) {
  return ScopeName(kListenerAgreements[static_cast<size_t>(kind)], {address, name});
}

ScopeName SecretScope(absl::string_view secret) { return ScopeName(kSecret, {secret}); }

ScopeName HttpScope(absl::string_view stat_prefix) { return ScopeName(kHttp, {stat_prefix}); }

ScopeName TcpScope(absl::string_view stat_prefix) { return ScopeName(kTcp, {stat_prefix}); }

ScopeName ConnectionLimitScope(absl::string_view stat_prefix) {
  return ScopeName(kConnectionLimit, {stat_prefix});
}

ScopeName NetworkRateLimitScope(absl::string_view stat_prefix) {
  return ScopeName(kNetworkRateLimit, {stat_prefix});
}

ScopeName ListenerScope(absl::string_view address) { return ScopeName(kListener, {address}); }

ScopeName ListenerTlsScope(absl::string_view address) { return ScopeName(kListenerTls, {address}); }

ScopeName ListenerHttpScope(absl::string_view address, absl::string_view stat_prefix) {
  return ScopeName(kListenerHttp, {address, stat_prefix});
}

ScopeName ListenerWorkerScope(absl::string_view address, uint32_t worker) {
  return ScopeName(kListenerWorker, {address, absl::StrCat(worker)});
}

ScopeName WorkerDispatcherScope(uint32_t worker) {
  return ScopeName(kWorkerDispatcher, {absl::StrCat(worker)});
}

}  // namespace proxenos::stats
