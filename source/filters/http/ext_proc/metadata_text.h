// MetadataText: a core.v3.Metadata as protobuf's text format writes it on one line, which is what
// a processor is told that asks for the whole of it and not for a value in it.
//
// Thread: any.
#pragma once

#include <string>

#include "source/cel/value.h"

namespace proxenos::filters::ext_proc {

// `spaces`: its filter_metadata, a map of structs by namespace.
std::string MetadataText(const cel::Value& spaces, cel::Memory& memory);

}  // namespace proxenos::filters::ext_proc
