// OriginRules: what of a connection manager is about whose a request is, what is changed in it
// before it is routed and how the proxy itself answers, beyond what nearly every one says:
// original_ip_detection_extensions, early_header_mutation_extensions, scheme_header_transformation,
// add_user_agent, append_x_forwarded_port, forward_proto_config, internal_address_config,
// local_reply_config, proxy_status_config, append_local_overload, access_log_options,
// stream_flush_timeout and forward_client_cert_matcher.
//
// Invariant: immutable, shared by all workers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/base/clock.h"
#include "source/downstream/client_address.h"
#include "source/downstream/proxy_status.h"
#include "source/route/field_change.h"

namespace proxenos::downstream {

struct ClientCertChoice;  // client_cert_header.h
struct LocalReplies;      // local_reply.h

struct OriginRules {
  std::vector<AddressDetector> detectors;  // Empty: x-forwarded-for is read as HttpConfig says.
  std::vector<route::FieldChange> early_changes;
  std::vector<access_log::Formatter> formats;  // Theirs, by HeaderAddition::format_index.
  std::string scheme;                          // What each request's becomes; empty: as it is.
  bool scheme_of_upstream = false;
  bool add_user_agent = false;
  bool append_x_forwarded_port = false;
  bool append_local_overload = false;
  // access_log_options: entries besides that of a request's end.
  base::Nanos log_interval = 0;    // 0: none on the way.
  bool logs_new_requests = false;  // One before the filters see the request.
  bool logs_tunnels = false;       // One when CONNECT or an upgrade has been accepted.
  // forward_proto_config, by the port that the client wanted to reach: "https", "http".
  std::vector<uint32_t> https_ports;
  std::vector<uint32_t> http_ports;
  std::optional<base::Nanos> stream_flush_timeout;  // 0: none. None: the idle timeout.
  std::optional<ProxyStatus> proxy_status;
  std::optional<InternalAddresses> internal;          // None: nobody is.
  std::shared_ptr<const LocalReplies> local_replies;  // Null: each says what it was made to say.
  // forward_client_cert_matcher; null: all requests are treated alike.
  std::shared_ptr<const ClientCertChoice> client_cert;
};

}  // namespace proxenos::downstream
