// ClusterPart: what those who send requests to a cluster keep with it on one worker.
#pragma once

namespace proxenos::upstream {

// Owner: the WorkerCluster. Thread: the worker's. Dies with the cluster, when the last stream that
// uses it has let go.
class ClusterPart {
 public:
  virtual ~ClusterPart() = default;
};

}  // namespace proxenos::upstream
