// Attributes that the processor is told: expressions of what is known of a request, evaluated when
// the first message of a direction goes to it.
//
// Thread: any (immutable).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/cel/expression.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::ext_proc {

struct Attribute {
  std::string name;  // As it is written.
  std::shared_ptr<const cel::Expression> expression;
  bool whole = false;  // The expression is the filter_metadata of the Metadata that is asked for.
};
using AttributeList = std::vector<Attribute>;

// Whether an attribute of that name is a Metadata.
bool IsMetadata(absl::string_view name);

// ProcessingRequest.attributes with those of `list` that have a value. Flags and integers are
// themselves, all else is text.
void WriteAttributes(const AttributeList& list, const filter::StreamContext& stream,
                     filter::Direction direction, rpc::WireWriter& message);

}  // namespace proxenos::filters::ext_proc
