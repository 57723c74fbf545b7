// What the router writes into a stream's notes of its attempts. Called only where the stream has
// notes.
#pragma once

#include "source/base/clock.h"
#include "source/filter/log_notes.h"
#include "source/upstream/client_connection.h"
#include "source/upstream/exchange.h"

namespace proxenos::filters::router {

// `attempt`, begun at `begin`, has `connection`; null: it was given none (any more).
void NoteAttempt(const upstream::Exchange& attempt, const upstream::ClientConnection* connection,
                 base::MonoTime begin, base::MonoTime now, filter::LogNotes& notes);

}  // namespace proxenos::filters::router
