// What the service is asked about a stream: descriptors, with hits and limits that the stream
// itself may tell.
//
// Thread: the stream's worker.
#pragma once

#include <vector>

#include "source/filter/stream_context.h"
#include "source/filters/http/ratelimit/decision.h"

namespace proxenos::filters::ratelimit {

// Adds what the stream tells to those of `descriptors` that are counted at its end (`done`), or
// before; the others are left out, and so are those whose hits are no number.
std::vector<Question> QuestionsOf(std::vector<filter::Descriptor> descriptors, bool done,
                                  filter::StreamContext& stream);

}  // namespace proxenos::filters::ratelimit
