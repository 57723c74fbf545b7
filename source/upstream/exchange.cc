// The end of an exchange, and reading on.
#include "source/upstream/exchange.h"

#include "source/upstream/client_connection.h"
#include "source/upstream/pool.h"

namespace proxenos::upstream {

Exchange::~Exchange() {
  if (ClientConnection* busy = connection.get()) busy->Abandon();
  if (state == State::kPending && linked()) {
    Unlink();
    pool->OnPendingGone();
  }
}

void Exchange::BodyTaken() {
  if (ClientConnection* busy = connection.get()) busy->ReadOn();
}

}  // namespace proxenos::upstream
