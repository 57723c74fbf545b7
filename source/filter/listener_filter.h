// ListenerFilter: looks at the first bytes of a connection, before its filter chain is chosen, and
// says what it found. ConnectionFacts: what all of them found.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filter/stream_info.h"
#include "source/net/address.h"
#include "source/stats/registry.h"

namespace proxenos::filter {

// What a filter chain may be chosen by.
struct ConnectionFacts {
  net::Address local;           // Where the client believes to be connected to.
  bool local_restored = false;  // A filter has found that out.
  net::Address remote;          // The client, as a PROXY header tells it.
  net::Address direct_remote;   // The peer of the socket.
  std::string server_name;      // SNI, in lower case.
  absl::string_view transport_protocol = "raw_buffer";  // Or "tls", once a filter has seen it.
  std::vector<std::string> application_protocols;
  std::unique_ptr<const ProxyNotes> proxy_notes;  // Null where there are none.
  // What goes with the connection (ConnectionInfo::parts), by whoever keeps it.
  std::vector<std::pair<const void*, std::unique_ptr<ConnectionPart>>> parts;
};

// One configured listener filter on one worker. It keeps nothing between calls: a connection's
// bytes stay in the kernel, and are shown from the first each time there are more of them. Owner:
// the downstream Listener. Thread: the worker's.
class ListenerFilter {
 public:
  enum class Verdict : uint8_t {
    kDone,    // Found what there is to find.
    kMore,    // More bytes are needed.
    kReject,  // The connection is to be closed.
  };
  struct Result {
    Verdict verdict = Verdict::kDone;
    uint32_t taken = 0;  // Of kDone: bytes that are the filter's own and go no further.
  };

  virtual ~ListenerFilter() = default;
  // The most bytes it looks at; kMore at so many is kReject. 0: none, only the socket.
  virtual uint32_t limit() const = 0;
  virtual Result Inspect(absl::string_view bytes, ConnectionFacts& facts) = 0;
  // Of a filter whose limit is 0.
  virtual void InspectSocket(int, ConnectionFacts&) {}
};

// One configured listener filter. Owner: the ListenerConfig, shared by all workers.
class ListenerFilterFactory {
 public:
  virtual ~ListenerFilterFactory() = default;
  virtual std::unique_ptr<ListenerFilter> Create(stats::Registry& registry) const = 0;
};

}  // namespace proxenos::filter
