// Keeping and giving back.
#include "source/filters/http/router/sent_body.h"

#include "source/base/check.h"

namespace proxenos::filters::router {

void SentBody::Keep(buffer::Buffer& shared, uint64_t bytes) {
  if (lost_) return;
  if (kept_.size() + bytes <= limit_) {
    kept_.AppendFrom(shared, bytes);
    return;
  }
  abandoned_ = limit_ != 0;
  Drop();
}

void SentBody::PutBack(buffer::Buffer& body) {
  DCHECK(whole());
  buffer::Buffer all = std::move(kept_);
  all.Append(std::move(body));
  body = std::move(all);
}

void SentBody::Drop() {
  lost_ = true;
  kept_.Clear();
}

}  // namespace proxenos::filters::router
