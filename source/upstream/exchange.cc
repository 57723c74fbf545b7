// The end of an exchange, and reading on.
#include "source/upstream/exchange.h"

#include "source/upstream/client_stream.h"
#include "source/upstream/pool.h"

namespace proxenos::upstream {

Exchange::~Exchange() {
  if (ClientStream* busy = stream.get()) busy->Abandon();
  if (state == State::kPending && linked()) {
    Unlink();
    pool->OnPendingGone();
  }
}

void Exchange::BodyTaken(uint64_t bytes) {
  if (ClientStream* busy = stream.get()) busy->BodyTaken(bytes);
}

}  // namespace proxenos::upstream
