// OrcaSink: what one worker makes of the reports that a cluster's hosts send of themselves.
//
// Owner: the worker's cluster. Thread: the worker's.
#pragma once

namespace proxenos::upstream {

class OrcaSink {
 public:
  OrcaSink() = default;
  OrcaSink(const OrcaSink&) = delete;
  OrcaSink& operator=(const OrcaSink&) = delete;
};

}  // namespace proxenos::upstream
