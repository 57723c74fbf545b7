// Access: what is asked for, and by whom: all that a rule can look at.
//
// Owner: whoever asks, for as long as the question takes. Thread: its worker.
#pragma once

#include "absl/strings/string_view.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"
#include "source/json/value.h"
#include "source/net/address.h"

namespace proxenos::rbac {

struct Access {
  const filter::ConnectionInfo& connection;
  // The client, as trusted hops tell it: StreamInfo::remote, or
  // ConnectionInfo::remote().
  const net::Address& remote;
  absl::string_view server_name;  // SNI; may be empty.
  // Of a request; null where it is a connection that is asked for.
  const http::RequestHead* head = nullptr;
  const filter::DynamicMetadata* metadata = nullptr;
  const filter::FilterState* state = nullptr;
  const json::Object* route_metadata = nullptr;  // By namespace. May be null.
  const http::ResponseHead* response = nullptr;  // Null before there is one.
};

}  // namespace proxenos::rbac
