// ProxyStatus: the Proxy-Status field (RFC 9209) by which the proxy says in a response what went
// wrong (HttpConnectionManager.proxy_status_config).
//
// Invariant: immutable, shared by all workers. A response that nothing went wrong with costs one
// comparison.
#pragma once

#include <string>

#include "source/filter/environment.h"
#include "source/filter/stream_info.h"
#include "source/http/message.h"

namespace proxenos::downstream {

struct ProxyStatus {
  std::string name;      // literal_proxy_name, or server_name; as an item of RFC 8941.
  bool node_id = false;  // The node's id takes its place.
  bool details = true;
  bool flags = true;               // Response flags, in the details.
  bool connection_details = true;  // Why the connection ended, in the details.
  bool sets_status = false;        // set_recommended_response_code
};

// `name` as the identifier of a proxy: a token, else a string in quotes (RFC 8941, section 3.3).
std::string ProxyName(absl::string_view name);

// Adds the field to `head`, behind those of proxies further on, where a flag of `info` stands for
// an error, and sets the status that goes with it.
void AddProxyStatus(const ProxyStatus& rules, const filter::LocalNode* node,
                    const filter::StreamInfo& info, http::ResponseHead& head);

}  // namespace proxenos::downstream
