// Attributes that the processor is told: expressions of what is known of a request, evaluated when
// the first message of a direction goes to it.
//
// Thread: any (immutable).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/cel/expression.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::ext_proc {

struct Attribute {
  std::string name;  // As it is written.
  std::shared_ptr<const cel::Expression> expression;
};
using AttributeList = std::vector<Attribute>;

// ProcessingRequest.attributes with those of `list` that have a value. Flags and integers are
// themselves, all else is text.
void WriteAttributes(const AttributeList& list, const filter::StreamContext& stream,
                     filter::Direction direction, rpc::WireWriter& message);

}  // namespace proxenos::filters::ext_proc
