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

class Publisher {
 public:
  Publisher(std::vector<std::unique_ptr<Worker>>& workers, ListenSockets& sockets,
            base::Nanos drain_time)
      : workers_(workers), sockets_(sockets), drain_time_(drain_time) {}

  // One message per worker, whatever the batch holds; none when it is empty.
  void Publish(Batch batch);

 private:
  std::vector<std::unique_ptr<Worker>>& workers_;
  ListenSockets& sockets_;
  const base::Nanos drain_time_;
};

}  // namespace proxenos::server
