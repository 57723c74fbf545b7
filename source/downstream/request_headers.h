// What a connection manager does to the headers of every request before it is routed, and to those
// of every response: Envoy's documented rules on x-forwarded-*, x-request-id, via, server, and the
// x-envoy-* fields that an untrusted client may not set.
#pragma once

#include "absl/strings/string_view.h"
#include "source/downstream/client_address.h"
#include "source/downstream/http_config.h"
#include "source/filter/environment.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"

namespace proxenos::downstream {

// What of the connection the rules depend on.
struct RequestOrigin {
  const filter::ConnectionInfo& connection;
  bool tls = false;
  uint64_t random[2] = {0, 0};  // For a request id, when one is to be made.
  // What the detectors of OriginRules found; null: there are none.
  const DetectedAddress* detected = nullptr;
  const filter::LocalNode* node = nullptr;  // Null where nobody needs it (tests).
};

// Changes `head` by the rules. Returns the client's address as trusted hops tell it. The head has
// x-envoy-internal then exactly if that is one of OriginRules::internal.
net::Address MutateRequestHeaders(const HttpConfig& config, const RequestOrigin& origin,
                                  http::RequestHead& head);

// Changes a response's headers; `date` is the current Date value.
void MutateResponseHeaders(const HttpConfig& config, const http::RequestHead& request,
                           absl::string_view date, http::ResponseHead& head);

}  // namespace proxenos::downstream
