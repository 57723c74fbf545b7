// AddedTlvs: what the TCP proxy says of a connection in the PROXY header that its host is sent:
// TcpProxy.proxy_protocol_tlvs.
//
// Invariant: immutable and shared by all workers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/access_log/access_log.h"
#include "source/filter/stream_info.h"
#include "source/net/proxy_tlv.h"

namespace proxenos::filters::tcp_proxy {

// ProxyProtocolTlvMergePolicy: beside those of the header that the client came with.
enum class TlvMerge : uint8_t {
  kIfNone,     // Nothing, when there was a header.
  kOverwrite,  // They take the place of those of the same type.
  kAppend,
};

struct AddedTlvs {
  struct Format {
    uint8_t type = 0;
    access_log::LineFormat format;
  };
  net::ProxyTlvs fixed;
  std::vector<Format> formats;  // Filled in for each connection.
  TlvMerge merge = TlvMerge::kIfNone;

  bool empty() const { return fixed.empty() && formats.empty(); }
  // All there is to say of the connection, no more than kMaxBytes of it: what has no room is left
  // out. A cluster lets pass what it wants.
  static constexpr size_t kMaxBytes = 16 * 1024;
  net::ProxyTlvs Apply(const filter::StreamInfo& info) const;
};

}  // namespace proxenos::filters::tcp_proxy
