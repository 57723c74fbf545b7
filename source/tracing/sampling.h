// Sampling: whether a request is traced, decided once when it comes, by x-request-id above all, so
// that all proxies on its way that see the same id decide alike; and the mark of that decision in
// the id itself (Envoy's "UUID" request ids: the digit behind the second dash).
//
// Thread: any.
#pragma once

#include <cstdint>

#include "source/http/message.h"
#include "source/route/tracing.h"
#include "source/runtime/snapshot.h"

namespace proxenos::tracing {

enum class Reason : uint8_t { kNotTraceable, kSampled, kServiceForced, kClientForced };

// UuidRequestIdConfig
struct RequestIdUse {
  bool pack_reason = true;       // pack_trace_reason
  bool decides_sampling = true;  // use_request_id_for_trace_sampling
};

// Decides, and marks x-request-id with it. `random`: for shares that are not drawn from the id.
Reason Decide(const route::Sampling& sampling, const RequestIdUse& use,
              const runtime::Snapshot* runtime, uint64_t random, http::RequestHead& head);

// The mark of an id that a client made is not to be believed.
void ForgetReason(const RequestIdUse& use, http::HeaderMap& headers);

}  // namespace proxenos::tracing
