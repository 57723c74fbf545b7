// FindPart: what somebody keeps for a connection, among its parts.
#pragma once

#include "source/filter/stream_info.h"

namespace proxenos::filter {

// Null: `keeper` keeps nothing. REQUIRES: what it keeps is a Part.
template <typename Part>
Part* FindPart(const ConnectionInfo& connection, const void* keeper) {
  for (const auto& [of, part] : connection.parts) {
    if (of == keeper) return static_cast<Part*>(part.get());
  }
  return nullptr;
}

}  // namespace proxenos::filter
