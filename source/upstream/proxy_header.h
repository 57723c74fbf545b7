// The PROXY header: tells a host whose connection this one stands for
// (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, sections 2.1 and 2.2).
#pragma once

#include "source/buffer/buffer.h"
#include "source/net/address.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// Appends the header of `version` for a client at `source` that connected to `destination`. Where
// the two are not IP addresses of one family, as when the proxy speaks for itself, it says that
// nothing is known (UNKNOWN, LOCAL). Version 2 has `tlvs` behind the addresses.
// REQUIRES: with their types and lengths they are no longer than 60 KiB.
void AppendProxyHeader(ProxyHeader version, const net::Address& source,
                       const net::Address& destination, const net::ProxyTlvs& tlvs,
                       buffer::Buffer& out);

}  // namespace proxenos::upstream
