// SentBody: what of a request's body has gone to a host, kept as long as it may have to go to
// another. The bytes are shared with the buffers they left by, not copied.
//
// Owner: the Router. Thread: the worker's.
#pragma once

#include <cstdint>
#include <utility>

#include "source/buffer/buffer.h"

namespace proxenos::filters::router {

class SentBody {
 public:
  // How many bytes may be kept; 0, as it begins: none.
  void Limit(uint64_t bytes) { limit_ = bytes; }

  // Notes what `send` takes from the front of `body`; returns what it returns.
  template <typename Send>
  bool Pass(buffer::Buffer& body, Send send);
  // Whether the body can be sent from its beginning: nothing has gone, or all of it is here.
  bool whole() const { return !lost_; }
  // What has gone, while whole().
  const buffer::Buffer& kept() const { return kept_; }
  // The limit has been reached: asked once.
  bool TakeAbandoned() { return std::exchange(abandoned_, false); }
  // Puts all of it back to the front of `body`, as if it had not gone. REQUIRES: whole().
  void PutBack(buffer::Buffer& body);
  // It will not go to another host.
  void Drop();

 private:
  void Keep(buffer::Buffer& shared, uint64_t bytes);

  uint64_t limit_ = 0;
  buffer::Buffer kept_;
  bool lost_ = false;
  bool abandoned_ = false;
};

template <typename Send>
bool SentBody::Pass(buffer::Buffer& body, Send send) {
  const uint64_t before = body.size();
  buffer::Buffer shared;
  if (limit_ != 0 && !lost_) {
    for (size_t i = 0; i < body.slice_count(); ++i) shared.Append(body.slice(i));
  }
  const bool result = send(body);
  if (body.size() != before) Keep(shared, before - body.size());
  return result;
}

}  // namespace proxenos::filters::router
