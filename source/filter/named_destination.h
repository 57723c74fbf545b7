// NamedDestination: the name that a connection is for, where a network filter has found it out: a
// TCP proxy that sends it to a dynamic forward proxy has that name looked up.
//
// Owner: the connection's parts; only connections that pass such a filter have one.
#pragma once

#include <string>

#include "source/filter/find_part.h"
#include "source/filter/stream_info.h"

namespace proxenos::filter {

struct NamedDestination final : public ConnectionPart {
  static constexpr char kKeeper = 0;  // By its address.

  // Null where there is none.
  static const NamedDestination* Of(const ConnectionInfo& connection) {
    return FindPart<NamedDestination>(connection, &kKeeper);
  }

  std::string authority;       // upstream::DynamicName::Key
  std::string cache;           // The DNS cache that is to be asked.
  bool saves_address = false;  // What it finds is left as filter state.
};

}  // namespace proxenos::filter
