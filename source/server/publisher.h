// Publisher: hands each batch to every worker. Room 6 of an update (docs/life_of_an_update.md).
//
// Owner: the Server. Thread: main.
#pragma once

#include <memory>
#include <vector>

#include "source/base/clock.h"
#include "source/server/batch.h"
#include "source/server/listen_sockets.h"
#include "source/server/worker.h"

namespace proxenos::server {

// The batch as those that are applied one after the other, so that no turn of a worker is long for
// it: a large one in pieces, in the order in which the whole would be applied. A worker may serve
// requests in between, for nothing refers to what comes after it.
std::vector<Batch> InParts(Batch batch);

class Publisher {
 public:
  Publisher(std::vector<std::unique_ptr<Worker>>& workers, ListenSockets& sockets,
            base::Nanos drain_time)
      : workers_(workers), sockets_(sockets), drain_time_(drain_time) {}

  // A message to each worker, or several for a large batch; none when it is empty.
  void Publish(Batch batch);

 private:
  void Post(Batch batch);

  std::vector<std::unique_ptr<Worker>>& workers_;
  ListenSockets& sockets_;
  const base::Nanos drain_time_;
};

}  // namespace proxenos::server
