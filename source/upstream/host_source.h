// HostSource: who says where a request goes, in clusters where it is not balancing over all of
// their hosts: those whose hosts are made as they are asked for.
//
// Owner: the WorkerCluster. Thread: the worker's.
#pragma once

#include <memory>

#include "source/upstream/host.h"
#include "source/upstream/pick_request.h"

namespace proxenos::upstream {

class HostSource {
 public:
  virtual ~HostSource() = default;

  // Null: no host can be used. Good until the next call.
  virtual const std::shared_ptr<const Host>* Find(const PickRequest& request) = 0;
};

}  // namespace proxenos::upstream
