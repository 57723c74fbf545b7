// TlsFingerprints: by which a client's TLS library can be told, as a listener filter computed it.
//
// Owner: the connection's parts; only connections whose listener wants it have one.
#pragma once

#include <string>

#include "source/filter/find_part.h"
#include "source/filter/stream_info.h"

namespace proxenos::filter {

struct TlsFingerprints final : public ConnectionPart {
  static constexpr char kKeeper = 0;  // By its address.

  // Null where there are none.
  static const TlsFingerprints* Of(const ConnectionInfo& connection) {
    return FindPart<TlsFingerprints>(connection, &kKeeper);
  }

  std::string ja3;  // Empty where it is not wanted.
  std::string ja4;
};

}  // namespace proxenos::filter
