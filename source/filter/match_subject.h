// MatchSubject: what matchers are asked about: a connection, a request on it, its response.
//
// Owner: whoever asks, for as long as the question takes. Thread: its worker.
#pragma once

#include "absl/strings/string_view.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"
#include "source/json/value.h"
#include "source/net/address.h"

namespace proxenos::route {
class RouteTable;
}

namespace proxenos::filter {

struct MatchSubject {
  const ConnectionInfo& connection;
  // The client, as trusted hops tell it: StreamInfo::remote, or ConnectionInfo::remote().
  const net::Address& remote;
  absl::string_view server_name;  // SNI; may be empty.
  // Of a request; null where it is a connection that is asked for.
  const http::RequestHead* head = nullptr;
  const DynamicMetadata* metadata = nullptr;
  const FilterState* state = nullptr;
  const json::Object* route_metadata = nullptr;  // By namespace. May be null.
  const http::ResponseHead* response = nullptr;  // Null before there is one.
  bool local_reply = false;                      // The response is the proxy's own.
  const StreamInfo* stream = nullptr;            // Of a request, as far as it is known.
  const route::RouteTable* routes = nullptr;     // Says what of a path is matched. May be null.

  // Of a request, as far as its stream is known.
  static MatchSubject OfRequest(const StreamInfo& info, const http::RequestHead& head) {
    static const ConnectionInfo kNoConnection;
    const ConnectionInfo& connection =
        info.connection == nullptr ? kNoConnection : *info.connection;
    MatchSubject subject{connection, info.remote, connection.requested_server_name, &head};
    subject.metadata = &info.metadata;
    subject.state = &info.state;
    subject.stream = &info;
    return subject;
  }
};

}  // namespace proxenos::filter
