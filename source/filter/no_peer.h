// NoPeer: StreamInfo::upstream_peer while a host is known, but not connected to.
#pragma once

#include "source/net/address.h"

namespace proxenos::filter {

inline const net::Address* NoPeer() {
  static const net::Address* const none = new net::Address;
  return none;
}

}  // namespace proxenos::filter
