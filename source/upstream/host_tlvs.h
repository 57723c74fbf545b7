// The TLVs of a host's own: PerHostConfig in its metadata, for the PROXY headers that it is sent.
//
// They lie beside what transport_socket_matches look at, under a name that no Struct can have: so
// hosts without any, nearly all, pay nothing, and one whose TLVs change is another host.
#pragma once

#include "source/net/proxy_tlv.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// What all of a host's take at most: with those of its cluster and those of a client, a header has
// room for them.
inline constexpr size_t kMaxHostTlvBytes = 4 * 1024;

// REQUIRES: `host` has none. No more than kMaxHostTlvBytes.
void SetHostTlvs(const net::ProxyTlvs& tlvs, FlatStruct& host);
net::ProxyTlvs HostTlvs(const FlatStruct& host);

// What endpoints say of themselves, or their locality's `common` where they say nothing; TLVs of
// their own stay.
void InheritTransportMatch(const FlatStruct& common, FlatStruct& host);

// The TLVs of a header for a client whose own were `given`: the host's take the place of those of
// the same type.
net::ProxyTlvs SentTlvs(const TransportSocket& socket, const FlatStruct& host,
                        const net::ProxyTlvs& given);

}  // namespace proxenos::upstream
