// OwnTarget: a server that a configuration names by its address and not by a cluster
// (GrpcService.google_grpc), as a cluster of the proxy's own; OwnTargets: those of the process. A
// filter's configuration is compiled where nothing but its message is at hand, so it names its
// target here, and server/own_clusters.h makes clusters of what was named.
//
// Thread: any (locked); targets are named, and forgotten, on the main thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace proxenos::rpc {

// Owner: whoever named it, together with OwnTargets. Thread: any (immutable).
struct OwnTarget {
  // Begins with a byte that no header field may have: no request can name it.
  static constexpr char kMark = '\x01';

  std::string cluster;     // Its name.
  std::string definition;  // config.cluster.v3.Cluster, serialized.
};
using OwnTargetPtr = std::shared_ptr<const OwnTarget>;

inline bool IsOwnTarget(absl::string_view cluster) {
  return !cluster.empty() && cluster[0] == OwnTarget::kMark;
}

class OwnTargets {
 public:
  static OwnTargets& OfProcess();

  // The one target of what `key` says. `define` makes the definition of a cluster of the name that
  // it is given; `label` is a part of that name, for logs.
  OwnTargetPtr Name(absl::string_view label, const std::string& key,
                    absl::FunctionRef<std::string(const std::string& cluster)> define);

  // Grows with each call of Name; those that were named since it had a value.
  uint64_t stamp() const;
  std::vector<OwnTargetPtr> NamedSince(uint64_t stamp) const;
  // True when nobody holds the target but the caller, once; then it is none of these any more.
  bool Forget(const OwnTargetPtr& target);

 private:
  struct Named {
    OwnTargetPtr target;
    uint64_t stamp = 0;  // Of the last time.
  };

  mutable std::mutex mutex_;
  uint64_t stamp_ = 0;                           // Guarded by mutex_.
  absl::btree_map<std::string, Named> targets_;  // By their keys. Guarded by mutex_.
};

}  // namespace proxenos::rpc
