// AgreementStats: what the handshakes of a listener or a cluster agreed on, counted by name:
// ssl.ciphers.NAME, ssl.versions.NAME, ssl.curves.NAME, ssl.sigalgs.NAME. Names are BoringSSL's, so
// there are not many of them; a counter is made when its name is first agreed on.
//
// Owner: a worker's listener or cluster. Thread: the worker's. Dies before the registry.
#pragma once

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/stats/registry.h"
#include "source/stats/scope.h"
#include "source/stats/tls_stats.h"
#include "source/tls/session_info.h"

namespace proxenos::tls {

class AgreementStats {
 public:
  // stats::ClusterTlsAgreementScope or its listener's sister.
  using MakeScope = stats::ScopeName (*)(absl::string_view owner, stats::TlsAgreement kind,
                                         absl::string_view name);

  AgreementStats(stats::Registry& registry, MakeScope make_scope, std::string owner)
      : registry_(registry), make_scope_(make_scope), owner_(std::move(owner)) {}

  // A handshake is done.
  void Count(const SessionInfo& session);

 private:
  void Count(stats::TlsAgreement kind, absl::string_view name);

  stats::Registry& registry_;
  const MakeScope make_scope_;
  const std::string owner_;
  // By name: no two kinds have one in common.
  absl::flat_hash_map<std::string, stats::Group<stats::TlsAgreementStats>> counters_;
};

}  // namespace proxenos::tls
