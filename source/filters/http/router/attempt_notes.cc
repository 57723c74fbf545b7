// Hosts, connections and instants of attempts.
#include "source/filters/http/router/attempt_notes.h"

namespace proxenos::filters::router {

void NoteAttempt(const upstream::Exchange& attempt, const upstream::ClientConnection* connection,
                 base::MonoTime begin, base::MonoTime now, filter::LogNotes& notes) {
  if (attempt.host == nullptr) return;
  notes.attempt_begin = begin;
  notes.pool_ready = now;
  notes.AddAttempt(attempt.host->address(), attempt.host->hostname(),
                   connection == nullptr ? 0 : connection->id());
  notes.upstream.connect_begin = connection == nullptr ? 0 : connection->begun();
  notes.upstream.connect_end = connection == nullptr ? 0 : connection->connected();
  notes.upstream.close_type = net::CloseType::kNone;
}

}  // namespace proxenos::filters::router
