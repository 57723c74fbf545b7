// A message of a stream as the engine is told it: copies.
#pragma once

#include "source/filter/stream_context.h"
#include "source/waf/engine.h"

namespace proxenos::filters::waf {

// The head, as it stands at the filter: with Host and Transfer-Encoding, which the codec took out.
proxenos::waf::RequestFacts RequestFactsOf(const filter::StreamContext& stream);
proxenos::waf::ResponseFacts ResponseFactsOf(const filter::StreamContext& stream);

// The first `limit` bytes of a body.
std::string BeginOf(const buffer::Buffer& body, uint64_t limit);

}  // namespace proxenos::filters::waf
